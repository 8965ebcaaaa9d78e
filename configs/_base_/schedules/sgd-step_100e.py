# MMGL: the rate is the authors', and all else that of their fine-tuning,
# because the schedule of their pre-training is not known.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    ),
)
# Per epoch e = 0, 1, ...: (e + 1) / 10 up to the full rate, a tenth from e =
# 20 and from e = 50 on. Ratios of max_epochs.
param_scheduler = [
    dict(
        type='WarmupMultiStepLR',
        warmup_ratio=10 / 100,
        start_factor=0.1,
        milestone_ratios=[20 / 100, 50 / 100],
        gamma=0.1,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=100)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
