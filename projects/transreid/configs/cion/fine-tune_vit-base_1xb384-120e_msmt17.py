_base_ = '../_base_/cion_msmt17.py'
model = dict(backbone=dict(type='VisionTransformerICS', arch='base'))
train_dataloader = dict(batch_size=384)
optim_wrapper = dict(optimizer=dict(lr=2.4e-3))
auto_scale_lr = dict(base_batch_size=384)
