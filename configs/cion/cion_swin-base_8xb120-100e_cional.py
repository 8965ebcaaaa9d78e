_base_ = [
    '../_base_/models/cion.py',
    '../_base_/datasets/cional_multicrop.py',
    '../_base_/schedules/adamw-cos_100e.py',
    '../_base_/cion_runtime.py',
]
# drops paths at a rate of 0.1, in the student and in the teacher
model = dict(backbone=dict(type='SwinTransformer', arch='base'))
