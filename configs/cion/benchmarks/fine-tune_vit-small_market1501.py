_base_ = [
    '../../_base_/models/reid_fine-tune.py',
    '../../_base_/datasets/market1501_train.py',
    '../../_base_/schedules/sgd-cos_120e.py',
    '../../_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(type='VisionTransformerICS', arch='small'),
    head=dict(
        num_classes=751,
        label_smoothing=0.0,
        triplet=dict(margin=None),
    ),
    neck_feat='before',
)
