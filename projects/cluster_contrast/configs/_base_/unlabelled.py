# Batches of 256 images over all GPUs: 32 clusters x 8. Each data set adds its
# type and where its images are.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),  # height, width
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(256, 128),
        padding=10,
    ),
    # The published code fills with 0.485, 0.456, 0.406 after normalising, by
    # mean and deviation 0.5: these levels.
    dict(type='RandomErasing', fill=(189, 186, 179)),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=64,  # images per GPU, for 4
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='HoldOutReID',
        split='train',
        hold_out=0.1,
        pipeline=train_pipeline,
    ),
    # only passes on the data set, the seed and the epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(
        type='ClusterSampler', num_instances=8, num_batches=200
    ),
)
val_cfg = dict()
