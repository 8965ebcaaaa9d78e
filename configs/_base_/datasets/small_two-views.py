# Two small views of own images, for minutes on two CPU cores.
_base_ = './luperson_two-views.py'
data_root = None  # as the annotation states

strong_view = [
    dict(
        type='mmpretrain.torchvision/RandomResizedCrop',
        size=(64, 32),
        scale=(0.4, 1.0),
        ratio=(0.4, 0.6),
    ),
    dict(type='mmpretrain.torchvision/RandomGrayscale', p=0.2),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(type='RandomErasing', area=(0.02, 0.6), fill=(90, 79, 80)),
]
# With so few images, brightness alone would tell them apart.
jittered_view = [
    strong_view[0],
    dict(
        type='mmpretrain.torchvision/ColorJitter',
        brightness=0.4,
        contrast=0.4,
        saturation=0.2,
        hue=0.05,
    ),
    *strong_view[1:],
]
weak_view = [
    dict(type='ResizeImage', size=(64, 32)),
    dict(type='mmpretrain.torchvision/RandomCrop', size=(64, 32), padding=4),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='mmpretrain.MultiView', num_views=[2], transforms=[jittered_view]
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(
        ann_file='work_dirs/quickstart/identities/annotation',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
)
