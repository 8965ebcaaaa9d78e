_base_ = '../_base_/cion_msmt17.py'
model = dict(backbone=dict(type='EdgeNeXt', arch='x_small'))
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
auto_scale_lr = dict(base_batch_size=32)
