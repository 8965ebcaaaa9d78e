# PNL on LUPerson-NL, 8 GPUs x 192 images. What is published and what is ours:
# README.md beside this file.
_base_ = [
    '../_base_/models/pnl.py',
    '../_base_/datasets/luperson-nl_two-views.py',
    '../_base_/schedules/sgd-step_90e.py',
    '../_base_/moco_runtime.py',
]
# last stride 2
model = dict(backbone=dict(type='ResNet', depth=50, strides=(1, 2, 2, 2)))
custom_hooks = [
    *_base_.custom_hooks,
    # does the head have as many classes as there are identities?
    dict(type='IdentityCheckHook'),
]
