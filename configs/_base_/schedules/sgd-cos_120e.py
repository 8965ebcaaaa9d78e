# The fine-tuning of transformers in TransReID-SSL (arXiv 2111.12084). Its
# cosine is counted from epoch 0 and falls by 7 % until the end of the warm-up;
# here it begins there. Biases of norms keep the plain rate.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=4e-4, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(bias_lr_mult=2.0),
)
# ratio of max_epochs: a warm-up of 20 epochs
param_scheduler = [
    dict(
        type='WarmupCosineLR',
        warmup_ratio=20 / 120,
        start_factor=0.01,
        eta_min=8e-7,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=10)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
