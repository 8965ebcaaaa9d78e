_base_ = [
    '../_base_/datasets/query_gallery.py',
    '../_base_/default_runtime.py',
]
model = dict(
    type='ReIDModel',
    backbone=dict(type='ResNetIBN', depth=50),
)
