_base_ = [
    './_base_/agw.py',
    '../../../configs/_base_/datasets/msmt17_train.py',
    '../../../configs/_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(trunk=dict(type='ResNetIBN')), head=dict(num_classes=1041)
)
