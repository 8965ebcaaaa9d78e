# Batches of 16 identities x 4 images, for cross-entropy and triplets. Each
# data set adds its type and where its images are.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),  # height, width
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(256, 128),
        padding=10,
    ),
    # with the mean of ImageNet, which is 0 after normalisation
    dict(
        type='mmpretrain.torchvision/RandomErasing',
        p=0.5,
        scale=(0.02, 0.4),
        ratio=(0.3, 3.33),
        value=(124, 116, 104),
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=64,  # images per GPU
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
    dataset=dict(split='train', pipeline=train_pipeline),
    # only passes on the data set, the seed and the epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='IdentitySampler', num_instances=4),
)
val_cfg = dict()
