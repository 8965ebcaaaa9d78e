# AGW of "Deep learning for person re-identification: a survey and outlook"
# (TPAMI 2021) as its authors run it. Each config adds depth and data.
_base_ = './data.py'
# bilinear in training and test
train_pipeline = [
    _base_.train_pipeline[0],
    dict(type='ResizeImage', size=(256, 128), interpolation='bilinear'),
    *_base_.train_pipeline[2:],
]
test_pipeline = [
    _base_.test_pipeline[0],
    train_pipeline[1],
    _base_.test_pipeline[2],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
model = dict(
    type='ReIDModel',
    backbone=dict(
        type='NonLocalResNet',
        trunk=dict(type='ResNet', depth=50),
        non_local=(0, 2, 3, 0),
        inner_channels=1,  # C / 2 in the paper
    ),
    neck=dict(type='BNNeck', pooling=dict(type='GeneralizedMeanPooling')),
    head=dict(
        type='AGWHead',
        label_smoothing=0.1,
        # the published code has eps=1e-6, by which far negatives lose weight
        triplet=dict(type='WeightedTripletLoss'),
        center=dict(type='CenterLoss', weight=5e-4, lr=0.5),
    ),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4),
)
# Per epoch e = 1, 2, ...: 0.01 + 0.099 e up to e = 10, a tenth from e = 40 and
# from e = 70 on. Ratios of max_epochs.
param_scheduler = [
    dict(
        type='WarmupMultiStepLR',
        warmup_ratio=10 / 120,
        start_factor=0.109,
        milestone_ratios=[39 / 120, 69 / 120],
        gamma=0.1,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=10)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
