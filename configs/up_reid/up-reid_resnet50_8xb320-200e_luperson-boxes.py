# As up-reid_resnet50_8xb320-200e_luperson.py, with stripes of the image
# instead of stripes of its crops (ours).
_base_ = './up-reid_resnet50_8xb320-200e_luperson.py'
model = dict(stripe_align='box')

strong_view = [
    dict(type='BoxedResizedCrop', size=(256, 128), scale=(0.2, 1.0)),
    *_base_.strong_view[1:],
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='BoxedViews',
        num_views=[2, 1],
        transforms=[
            strong_view,
            [dict(type='ResizeImage', size=(256, 128))],
        ],
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
