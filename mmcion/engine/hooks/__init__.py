from .collapse_monitor_hook import CollapseMonitorHook
from .instance_schedule_hook import InstanceScheduleHook
from .non_finite_guard_hook import NonFiniteGuardHook
from .step_pre_hooks import ClipPerTensorHook, FreezeLastLayerHook
from .teacher_update_hook import TeacherUpdateHook

__all__ = [
    'ClipPerTensorHook',
    'CollapseMonitorHook',
    'FreezeLastLayerHook',
    'InstanceScheduleHook',
    'NonFiniteGuardHook',
    'TeacherUpdateHook',
]
