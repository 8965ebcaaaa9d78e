# Training on identities, with scores on the way.
_base_ = './default_runtime.py'
default_hooks = dict(checkpoint=dict(interval=10, save_best='reid/mAP'))
custom_hooks = [
    dict(type='IdentityCheckHook'),
    dict(type='NonFiniteGuardHook'),
]
