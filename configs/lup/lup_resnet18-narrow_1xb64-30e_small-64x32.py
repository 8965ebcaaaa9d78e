# Minutes on two CPU cores, to try and to compare methods (ours).
_base_ = [
    '../_base_/models/moco.py',
    '../_base_/datasets/small_two-views.py',
    '../_base_/schedules/adamw-cos_small.py',
    '../_base_/moco_runtime.py',
]
model = dict(
    channels_last=True,
    # from scratch, a quarter of the usual width
    backbone=dict(type='ResNet', depth=18, stem_channels=16, base_channels=16),
    # no two people are far apart at the start without the BN
    projector=dict(output_bn=True),
    queue_size=256,
    temperature=0.2,
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
default_hooks = dict(logger=dict(interval=5))
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.95, end_momentum=0.95),
]
