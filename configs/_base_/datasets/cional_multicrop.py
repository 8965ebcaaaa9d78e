# Multi-cropped images of CION-AL. For other images, `tools/train.py --data`.
data_root = 'data/CION_AL/'

train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='MultiCrop',
        # (height, width) of the views in pixels
        global_size=(256, 128),
        local_size=(128, 64),
        num_local=8,
        # see MultiCrop for the ranges of crops, and on_device=True, with
        # which workers only decode and the GPU makes the views
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=120,  # images per GPU, each of them with all of its views
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='mmcion.collate_views'),
    dataset=dict(
        type='IdentityDataset',
        ann_file=data_root + 'cional_annos.json',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
    # only passes on the data set, the seed and the epoch
    sampler=dict(type='DefaultSampler', shuffle=True),
    # P identities x K images; K is that of InstanceScheduleHook
    batch_sampler=dict(type='IdentitySampler'),
)
