# lr = 5e-4 x global batch / 256, for 8 x 120 images
optim_wrapper = dict(
    type='Bf16OptimWrapper',
    constructor='DecayGroupsConstructor',
    optimizer=dict(type='AdamW', lr=1.875e-3, weight_decay=0.04),
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=1e-9,  # mmengine cannot start from 0
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-6,
        begin=10,
        end=100,
        convert_to_iter_based=True,
    ),
    # 0.04 -> 0.4; a ratio, so that groups without decay stay at 0
    dict(
        type='CosineAnnealingParamScheduler',
        param_name='weight_decay',
        eta_min_ratio=10.0,
        begin=0,
        end=100,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [
    dict(
        type='InstanceScheduleHook',
        epochs=[40, 60, 80, 100],
        num_instances=[2, 4, 6, 8],
    ),
    dict(type='TeacherUpdateHook', momentum=0.996),
    dict(type='FreezeLastLayerHook', epochs=1),
    dict(type='ClipPerTensorHook', max_norm=3.0),
    dict(type='NonFiniteGuardHook'),
    dict(type='CollapseMonitorHook', interval=50),
]
train_cfg = dict(by_epoch=True, max_epochs=100)
auto_scale_lr = dict(base_batch_size=960)
