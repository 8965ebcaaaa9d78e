# LUP: MoCo v2 on LUPerson, 8 GPUs x 320 images. What is published and what is
# ours: README.md beside this file.
_base_ = [
    '../_base_/models/moco.py',
    '../_base_/datasets/luperson_two-views.py',
    '../_base_/schedules/sgd-cos_200e.py',
    '../_base_/moco_runtime.py',
]
# last stride 2
model = dict(backbone=dict(type='ResNet', depth=50, strides=(1, 2, 2, 2)))
