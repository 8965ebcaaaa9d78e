_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='VOLO', arch='d2'))
train_dataloader = dict(batch_size=256)
optim_wrapper = dict(optimizer=dict(lr=1.6e-3))
auto_scale_lr = dict(base_batch_size=256)
