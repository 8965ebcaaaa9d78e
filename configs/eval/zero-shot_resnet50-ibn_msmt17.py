_base_ = [
    '../_base_/datasets/msmt17.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ReIDModel',
    backbone=dict(type='ResNetIBN', depth=50),
)
