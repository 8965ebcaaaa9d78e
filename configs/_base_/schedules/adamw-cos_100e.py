# 5e-4 for 256 images per step over all GPUs, scaled with their number as in
# DINO and CION: 1.875e-3 for 8 x 120.
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    constructor='DecayGroupsConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.04),
)
auto_scale_lr = dict(enable=True, base_batch_size=256)
param_scheduler = [
    # from 0 to the full rate in 10 of 100 epochs, then down to 1e-6
    dict(
        type='WarmupCosineLR',
        warmup_ratio=0.1,
        eta_min=1e-6,
        convert_to_iter_based=True,
    ),
    # 0.04 -> 0.4; a ratio, so that groups without decay stay at 0
    dict(
        type='CosineAnnealingParamScheduler',
        param_name='weight_decay',
        eta_min_ratio=10.0,
        convert_to_iter_based=True,
    ),
]
# everything above and the hooks of the runtime follow this number
train_cfg = dict(by_epoch=True, max_epochs=100)
