# Small crops of own images, for minutes on two CPU cores.
_base_ = './cional_multicrop.py'
data_root = None  # as the annotation states

train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='MultiCrop',
        global_size=(64, 32),
        local_size=(32, 16),
        num_local=2,
        global_scale=(0.5, 1.0),
        local_scale=(0.2, 0.5),
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
