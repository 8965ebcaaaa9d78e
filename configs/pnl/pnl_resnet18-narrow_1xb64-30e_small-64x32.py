# Minutes on two CPU cores, to try and to compare methods (ours).
_base_ = [
    '../_base_/models/pnl.py',
    '../_base_/datasets/small_two-views.py',
    '../_base_/schedules/adamw-cos_small.py',
    '../_base_/moco_runtime.py',
]
model = dict(
    channels_last=True,
    # from scratch, a quarter of the usual width
    backbone=dict(type='ResNet', depth=18, stem_channels=16, base_channels=16),
    queue_size=256,
    # `tools/train.py --data` counts the identities; parts begin at the
    # same ratios of the training as published
    head=dict(num_classes=40, correction_epoch=4, momentum=0.98),
    contrast_epoch=5,
)
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='mmpretrain.MultiView',
        num_views=[1, 1],
        transforms=[_base_.weak_view, _base_.jittered_view],
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(logger=dict(interval=5))
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.95, end_momentum=0.95),
    dict(type='IdentityCheckHook'),
]
