# Minutes on two CPU cores, for the clips of a single video: small crops, few
# prototypes, batch norm in the projector and a fast teacher, because a
# few hundred steps must do what takes the paper's recipe a hundred epochs.
_base_ = [
    '../_base_/models/cion.py',
    '../_base_/datasets/cional_multicrop.py',
    '../_base_/default_runtime.py',
]
model = dict(
    channels_last=True,
    backbone=dict(
        type='mmpretrain.TIMMBackbone', model_name='mobilenetv2_100'
    ),
    # few prototypes, as a single video has few people
    projector=dict(
        in_channels=1280,
        hidden_channels=512,
        num_prototypes=1024,
        use_bn=True,
    ),
)

data_root = None  # as the annotation states
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='MultiCrop',
        global_size=(128, 64),
        local_size=(64, 32),
        num_local=1,
        local_scale=(0.3, 0.8),
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=48,
    num_workers=2,
    pin_memory=False,
    # what `make demo` writes; `tools/train.py --data` takes other images
    dataset=dict(
        ann_file='work_dirs/quickstart/identities/annotation',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
    batch_sampler=dict(num_instances=8),
)

optim_wrapper = dict(
    type='OptimWrapper',
    constructor='DecayGroupsConstructor',
    optimizer=dict(type='AdamW', lr=5e-4, weight_decay=0.04),
)
param_scheduler = [
    # 10 steps, while the cosine of all epochs begins
    dict(
        type='LinearLR',
        start_factor=1e-9,  # mmengine cannot start from 0
        by_epoch=False,
        end=10,
    ),
    dict(type='CosineAnnealingLR', eta_min=1e-6, convert_to_iter_based=True),
]
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.98),
    dict(type='FreezeLastLayerHook', epochs=1),
    dict(type='ClipPerTensorHook', max_norm=3.0),
    dict(type='NonFiniteGuardHook'),
    dict(type='CollapseMonitorHook', interval=20),
]
train_cfg = dict(by_epoch=True, max_epochs=5)
auto_scale_lr = dict(base_batch_size=48)
default_hooks = dict(logger=dict(interval=5))
