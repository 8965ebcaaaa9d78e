# A few thousand images, for minutes on two CPU cores (ours).
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='DecayGroupsConstructor',
    optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.04),
)
param_scheduler = [
    dict(
        type='WarmupCosineLR',
        warmup_ratio=0.1,
        eta_min=1e-6,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=30)
auto_scale_lr = dict(base_batch_size=64)
