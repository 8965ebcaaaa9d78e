_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='ResNetIBN', depth=152))
train_dataloader = dict(batch_size=128)
optim_wrapper = dict(optimizer=dict(lr=8e-4))
auto_scale_lr = dict(base_batch_size=128)
