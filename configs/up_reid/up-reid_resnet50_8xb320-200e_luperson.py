# UP-ReID on LUPerson, 8 GPUs x 320 images. What is published and what is
# ours: README.md beside this file.
_base_ = [
    '../_base_/models/up_reid.py',
    '../_base_/datasets/luperson_two-views.py',
    '../_base_/schedules/sgd-cos_200e.py',
    '../_base_/moco_runtime.py',
]
# last stride 2
model = dict(backbone=dict(type='ResNet', depth=50, strides=(1, 2, 2, 2)))

train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='mmpretrain.MultiView',
        num_views=[2, 1],
        transforms=[
            _base_.strong_view,
            # the original image
            [dict(type='ResizeImage', size=(256, 128))],
        ],
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
