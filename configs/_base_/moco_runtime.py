# What happens around the loss of MoCo and of what is built on it.
_base_ = './default_runtime.py'
custom_hooks = [
    # the key encoder, with a constant momentum
    dict(type='TeacherUpdateHook', momentum=0.999, end_momentum=0.999),
    dict(type='NonFiniteGuardHook'),
]
