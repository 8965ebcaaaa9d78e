_base_ = [
    '../../_base_/models/reid_fine-tune.py',
    '../../_base_/datasets/msmt17_train.py',
    '../../_base_/schedules/adam-step_120e.py',
    '../../_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(type='ResNetIBN', depth=50),
    head=dict(num_classes=1041),
)
