# The fine-tuning of TransReID-SSL (arXiv 2111.12084) and CION.
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    optimizer=dict(type='SGD', lr=4e-4, momentum=0.9, weight_decay=1e-4),
    # whatever has it in its name, such as the bias tables of Swin
    paramwise_cfg=dict(custom_keys=dict(bias=dict(lr_mult=2.0))),
)
# ratio of max_epochs: a warm-up of 20 epochs
param_scheduler = [dict(type='TimmCosineLR', warmup_ratio=20 / 120)]
train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=10)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
