_base_ = '../_base_/cion_msmt17.py'
model = dict(
    backbone=dict(type='SwinTransformer', arch='base', drop_path_rate=0.1)
)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
