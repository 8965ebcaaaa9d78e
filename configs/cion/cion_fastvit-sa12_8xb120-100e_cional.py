_base_ = [
    '../_base_/models/cion.py',
    '../_base_/datasets/cional_multicrop.py',
    '../_base_/schedules/adamw-cos_100e.py',
    '../_base_/cion_runtime.py',
]
model = dict(backbone=dict(type='FastViT', arch='sa12'))
sync_bn = 'torch'
