# As tiny_train.py, with two views of each image.
_base_ = [
    '../../configs/_base_/datasets/luperson_two-views.py',
    '../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['tests.tiny'], allow_failed_imports=False)

model = dict(
    type='MoCo',
    backbone=dict(type='TinyBackbone'),
    projector=dict(type='MLPProjector', in_channels=8, out_channels=6),
    queue_size=16,
    temperature=0.5,
)
view = [
    dict(
        type='mmpretrain.torchvision/RandomResizedCrop',
        size=(16, 8),
        scale=(0.2, 1.0),
    ),
    dict(type='RandomErasing', area=(0.02, 0.6)),
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='mmpretrain.MultiView', num_views=[2], transforms=[view]),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(pipeline=train_pipeline),
)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9)
)
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.9, end_momentum=0.9),
]
param_scheduler = [dict(type='CosineAnnealingLR', eta_min=0)]
train_cfg = dict(by_epoch=True, max_epochs=2)
default_hooks = dict(logger=dict(interval=1))
