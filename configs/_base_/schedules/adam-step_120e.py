# Luo et al., "Bag of tricks and a strong baseline for deep person
# re-identification" (CVPRW 2019), with the second step at epoch 90 as in
# fast-reid.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4),
)
# Ratios of max_epochs: a warm-up of 10 epochs, a tenth of the rate from epoch
# 40 and from epoch 90 on.
param_scheduler = [
    dict(
        type='WarmupMultiStepLR',
        warmup_ratio=10 / 120,
        start_factor=0.1,
        milestone_ratios=[40 / 120, 90 / 120],
        gamma=0.1,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=10)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
