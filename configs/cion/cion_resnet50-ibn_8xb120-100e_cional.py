# The paper's recipe, 8 GPUs x 120 images. What may be changed and where:
# README.md beside this file.
_base_ = [
    '../_base_/models/cion.py',
    '../_base_/datasets/cional_multicrop.py',
    '../_base_/schedules/adamw-cos_100e.py',
    '../_base_/cion_runtime.py',
]
model = dict(backbone=dict(type='ResNetIBN', depth=50))
sync_bn = 'torch'
