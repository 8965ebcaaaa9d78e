_base_ = [
    './_base_/agw-fastreid.py',
    '../../../configs/_base_/datasets/market1501_train.py',
    '../../../configs/_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(trunk=dict(type='ResNetIBN')), head=dict(num_classes=751)
)
