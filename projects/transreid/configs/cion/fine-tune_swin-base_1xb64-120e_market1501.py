_base_ = '../_base_/cion_market1501.py'
model = dict(
    backbone=dict(type='SwinTransformer', arch='base', drop_path_rate=0.1)
)
