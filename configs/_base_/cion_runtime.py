# The algorithm of CION: what happens around its loss.
_base_ = './default_runtime.py'
custom_hooks = [
    # K = 2 from the start, 4 from epoch 40 of 100, ...
    dict(
        type='InstanceScheduleHook',
        num_instances=[2, 4, 6, 8],
        milestone_ratios=[0.4, 0.6, 0.8],
    ),
    # from this momentum to 1 at the end
    dict(type='TeacherUpdateHook', momentum=0.996),
    dict(type='FreezeLastLayerHook', epochs=1),
    dict(type='ClipPerTensorHook', max_norm=3.0),
    dict(type='NonFiniteGuardHook'),
    dict(type='CollapseMonitorHook', interval=50),
]
