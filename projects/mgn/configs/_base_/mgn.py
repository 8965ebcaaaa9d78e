# All but the ResNet and the data set.
_base_ = [
    '../../../../configs/_base_/datasets/reid_test.py',
    '../../../../configs/_base_/datasets/reid_train.py',
    '../../../../configs/_base_/supervised_runtime.py',
]
custom_imports = dict(imports=['projects.mgn.mgn'], allow_failed_imports=False)
model = dict(
    type='ReIDModel',
    backbone=dict(type='MGNBackbone'),
    neck=dict(type='MGNNeck'),
    head=dict(type='MGNHead'),
)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(384, 128)),  # height, width
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(384, 128),
        padding=10,
    ),
    # black, which is strongly negative after normalisation
    dict(type='RandomErasing'),
    dict(type='PackReIDInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(384, 128)),
    dict(type='PackReIDInputs'),
]
# 4 identities x 16 images on 4 GPUs
train_dataloader = dict(
    batch_size=16,  # images per GPU
    batch_sampler=dict(type='NaiveIdentitySampler', num_instances=16),
    dataset=dict(pipeline=train_pipeline),
)
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = {**_base_.test_dataloader, **test_dataloader}
val_evaluator = _base_.test_evaluator

# one rate and decay for all tensors; L2 is part of the gradient
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4),
)
# Ratios of 60 epochs: a warm-up of 10, the full rate up to 30. The new layers
# are alone until the end of the warm-up.
param_scheduler = [
    dict(
        type='WarmupHoldCosineLR',
        warmup_ratio=10 / 60,
        hold_ratio=30 / 60,
        start_factor=0.01,
        eta_min=7.7e-7,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='FreezeBackboneHook', freeze_ratio=10 / 60),
]
# scored once, after the last epoch
train_cfg = dict(by_epoch=True, max_epochs=60, val_interval=60)
default_hooks = dict(checkpoint=dict(save_best=None))
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
