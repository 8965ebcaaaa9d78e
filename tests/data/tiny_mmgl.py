# As tiny_train.py, with thermal images in camera 1.
_base_ = [
    '../../configs/_base_/datasets/cional_multicrop.py',
    '../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['tests.tiny'], allow_failed_imports=False)

model = dict(
    type='MMGL',
    backbone=dict(type='TinyTwoStream'),
    projector=dict(type='PartProjector', in_channels=8, out_channels=6),
    head=dict(type='PermutationHead', in_channels=8, num_stripes=4),
    thermal_cams=(1,),
)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(16, 8)),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(pipeline=train_pipeline),
    batch_sampler=dict(
        _delete_=True, type='CrossModalSampler', thermal_cams=(1,)
    ),
)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1, momentum=0.9)
)
param_scheduler = [
    dict(
        type='WarmupCosineLR',
        warmup_ratio=0.5,
        start_factor=0.1,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=2)
default_hooks = dict(logger=dict(interval=1))
