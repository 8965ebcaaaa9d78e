_base_ = [
    '../_base_/datasets/query_gallery.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ReIDModel',
    backbone=dict(
        type='mmpretrain.TIMMBackbone', model_name='mobilenetv2_100'
    ),
)
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(128, 64)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
