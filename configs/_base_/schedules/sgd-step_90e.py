# The schedule of PNL (CVPR 2022): a tenth of the rate from epoch 40 and from
# epoch 80 on, as ratios of max_epochs.
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    optimizer=dict(type='SGD', lr=0.4, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(
        type='WarmupMultiStepLR',
        warmup_ratio=0.0,
        milestone_ratios=[40 / 90, 80 / 90],
        gamma=0.1,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=90)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=1536)
