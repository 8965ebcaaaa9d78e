from .instance_schedule_hook import InstanceScheduleHook
from .step_pre_hooks import ClipPerTensorHook, FreezeLastLayerHook
from .teacher_update_hook import TeacherUpdateHook

__all__ = [
    'ClipPerTensorHook',
    'FreezeLastLayerHook',
    'InstanceScheduleHook',
    'TeacherUpdateHook',
]
