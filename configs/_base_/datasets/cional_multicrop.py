data_root = 'data/CION_AL/'

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='MultiCrop', num_local=8),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=120,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    pin_memory=True,
    collate_fn=dict(type='mmcion.collate_views'),
    dataset=dict(
        type='IdentityDataset',
        ann_file=data_root + 'cional_annos.json',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
    sampler=dict(type='IdentitySampler', batch_size=120, num_instances=2),
)
