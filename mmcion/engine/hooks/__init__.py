"""Hooks of the Runner."""

from .atomic_checkpoint_hook import AtomicCheckpointHook
from .collapse_monitor_hook import CollapseMonitorHook
from .exact_resume_hook import ExactResumeHook
from .identity_check_hook import IdentityCheckHook
from .instance_schedule_hook import InstanceScheduleHook
from .non_finite_guard_hook import NonFiniteGuardHook
from .progress_hook import ProgressHook
from .step_pre_hooks import ClipPerTensorHook, FreezeLastLayerHook
from .teacher_update_hook import TeacherUpdateHook
from .throughput_hook import ThroughputHook

__all__ = [
    'AtomicCheckpointHook',
    'ClipPerTensorHook',
    'CollapseMonitorHook',
    'ExactResumeHook',
    'FreezeLastLayerHook',
    'IdentityCheckHook',
    'InstanceScheduleHook',
    'NonFiniteGuardHook',
    'ProgressHook',
    'TeacherUpdateHook',
    'ThroughputHook',
]
