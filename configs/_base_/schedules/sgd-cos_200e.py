# The schedule of LUP (CVPR 2021): every epoch a step down a cosine to 0, no
# warm-up.
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    optimizer=dict(type='SGD', lr=0.3, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type='CosineAnnealingLR', eta_min=0)]
train_cfg = dict(by_epoch=True, max_epochs=200)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=2560)
