# Views of images without identities: the table of luperson2tracklets.py.
_base_ = './cional_multicrop.py'
data_root = None  # as the table states

train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='MultiCrop',
        # (height, width) of the views in pixels
        global_size=(256, 128),
        local_size=(128, 64),
        num_local=8,
        # of DINO; the proportions of crops are CION's
        global_scale=(0.4, 1.0),
        local_scale=(0.05, 0.4),
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=64,  # images per GPU, each of them with all of its views
    dataset=dict(
        ann_file='work_dirs/luperson/table',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
    batch_sampler=dict(_delete_=True, type='ImageSampler'),
)
