# As tiny_moco.py, with the original image and stripes aligned by crop boxes.
_base_ = './tiny_moco.py'
model = dict(
    type='UPReID',
    num_stripes=2,
    stripe_align='box',
    warmup_ratio=0.5,
)
view = [
    dict(type='BoxedResizedCrop', size=(16, 8)),
    dict(type='RandomErasing', area=(0.02, 0.6)),
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='BoxedViews',
        num_views=[2, 1],
        transforms=[view, [dict(type='ResizeImage', size=(16, 8))]],
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
