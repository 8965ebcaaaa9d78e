# Batches of which one half is visible and one half thermal, as the authors of
# AGW and MMGL train. Each config adds its data and the cameras of thermal
# images.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(288, 144)),  # height, width
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(288, 144),
        padding=10,
    ),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=64,  # images per GPU, half of them thermal
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
    dataset=dict(split='train', pipeline=train_pipeline),
    # only passes on the data set, the seed and the epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='CrossModalSampler'),
)
