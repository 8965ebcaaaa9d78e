# Two epochs on 8 identities with 4 images each, of 16 x 8 pixels.
_base_ = [
    '../../configs/_base_/datasets/cional_multicrop.py',
    '../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['tests.tiny'], allow_failed_imports=False)

model = dict(
    type='CION',
    backbone=dict(type='TinyBackbone'),
    projector=dict(
        type='Projector',
        in_channels=8,
        hidden_channels=16,
        bottleneck_channels=6,
        num_prototypes=12,
    ),
    # soft, so that a loss of so few prototypes does not vanish at once
    head=dict(
        type='SelfDistillHead',
        student_temp=0.5,
        teacher_temp=0.2,
    ),
)
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='SeededMultiCrop',
        global_size=(16, 8),
        local_size=(8, 4),
        num_local=2,
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    pin_memory=False,
    dataset=dict(pipeline=train_pipeline),
)
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='DecayGroupsConstructor',
    optimizer=dict(type='AdamW', lr=1e-2, weight_decay=0.04),
)
param_scheduler = [
    dict(
        type='WarmupCosineLR',
        warmup_ratio=0.5,
        start_factor=0.1,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [
    dict(
        type='InstanceScheduleHook',
        num_instances=[2, 4],
        milestone_ratios=[0.5],
    ),
    dict(type='TeacherUpdateHook', momentum=0.9),
    dict(type='FreezeLastLayerHook', epochs=1),
    dict(type='ClipPerTensorHook', max_norm=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=2)
default_hooks = dict(logger=dict(interval=1))
