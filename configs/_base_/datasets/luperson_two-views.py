# Two strong views of images without identities, LUP's `ori-cj+sre`: no colour
# jitter, but erasing. The table is that of luperson2tracklets.py.
data_root = None  # as the table states

strong_view = [
    # torchvision's default proportions (3/4 to 4/3), as published: on an
    # image of 2:1 a crop covers 37 % of the area, and is stretched
    dict(
        type='mmpretrain.torchvision/RandomResizedCrop',
        size=(256, 128),  # height, width
        scale=(0.2, 1.0),
        interpolation='bilinear',
    ),
    dict(type='mmpretrain.torchvision/RandomGrayscale', p=0.2),
    dict(
        type='RandomApply',
        prob=0.5,
        transforms=[
            dict(
                type='mmpretrain.torchvision/GaussianBlur',
                kernel_size=13,
                sigma=(0.1, 2.0),
            ),
        ],
    ),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    # with the mean of LUPerson, which is 0 after normalisation
    dict(
        type='RandomErasing',
        probability=0.5,
        area=(0.02, 0.6),
        fill=(90, 79, 80),
    ),
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='mmpretrain.MultiView', num_views=[2], transforms=[strong_view]),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=320,  # images per GPU, each of them with both views
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='IdentityDataset',
        ann_file='work_dirs/luperson/table',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
    # only passes on the data set, the seed and the epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ImageSampler'),
)
