_base_ = [
    '../../_base_/models/reid_linear.py',
    '../../_base_/datasets/market1501_train.py',
    '../../_base_/schedules/adam-cos_40e.py',
    '../../_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(type='ResNetIBN', depth=50),
    head=dict(num_classes=751),
)
