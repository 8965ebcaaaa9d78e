_base_ = '../_base_/cion_msmt17.py'
model = dict(
    backbone=dict(type='SwinTransformer', arch='tiny', drop_path_rate=0.1)
)
