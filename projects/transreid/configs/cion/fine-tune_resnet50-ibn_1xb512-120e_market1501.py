_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='ResNetIBN', depth=50))
train_dataloader = dict(batch_size=512)
optim_wrapper = dict(optimizer=dict(lr=3.2e-3))
auto_scale_lr = dict(base_batch_size=512)
