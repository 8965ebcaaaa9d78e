# What happens around the loss of DINO: that of CION without identities.
_base_ = './default_runtime.py'
custom_hooks = [
    # from this momentum to 1 at the end
    dict(type='TeacherUpdateHook', momentum=0.996),
    dict(type='FreezeLastLayerHook', epochs=1),
    dict(type='ClipPerTensorHook', max_norm=3.0),
    dict(type='NonFiniteGuardHook'),
    dict(type='CollapseMonitorHook', interval=50),
]
