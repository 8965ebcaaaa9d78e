# The weight-free colour descriptor: a baseline, and the default features
# for denoising.
_base_ = [
    '../_base_/datasets/query_gallery.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ReIDModel',
    data_preprocessor=dict(type='ReIDDataPreprocessor', mean=None, std=None),
    backbone=dict(type='ColorStripeDescriptor'),
)
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(128, 64)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
