_base_ = [
    '../_base_/models/cion_resnet50-ibn.py',
    '../_base_/datasets/cional_multicrop.py',
    '../_base_/schedules/adamw-cos_100e.py',
    '../_base_/default_runtime.py',
]
sync_bn = 'torch'
