_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='GhostNet', arch='0_5'))
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(optimizer=dict(lr=2e-4))
# a warm-up of 40 epochs
param_scheduler = [dict(type='TimmCosineLR', warmup_ratio=40 / 120)]
auto_scale_lr = dict(base_batch_size=32)
