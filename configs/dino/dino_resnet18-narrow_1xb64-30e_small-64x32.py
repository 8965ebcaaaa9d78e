# Minutes on two CPU cores, to try and to compare methods (ours).
_base_ = [
    '../_base_/models/cion.py',
    '../_base_/datasets/small_multicrop.py',
    '../_base_/schedules/adamw-cos_small.py',
    '../_base_/dino_runtime.py',
]
model = dict(
    channels_last=True,
    # from scratch, a quarter of the usual width
    backbone=dict(type='ResNet', depth=18, stem_channels=16, base_channels=16),
    type='DINO',
    # few dimensions, so that the logits of the start are not all alike
    projector=dict(
        hidden_channels=256,
        bottleneck_channels=32,
        num_prototypes=128,
        use_bn=True,
    ),
)
train_dataloader = dict(batch_sampler=dict(_delete_=True, type='ImageSampler'))
default_hooks = dict(logger=dict(interval=5))
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.95),
    dict(type='ClipPerTensorHook', max_norm=3.0),
    dict(type='CollapseMonitorHook', interval=20),
]
