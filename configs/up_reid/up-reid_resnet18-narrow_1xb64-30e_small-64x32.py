# Minutes on two CPU cores, to try and to compare methods (ours).
_base_ = [
    '../_base_/models/up_reid.py',
    '../_base_/datasets/small_two-views.py',
    '../_base_/schedules/adamw-cos_small.py',
    '../_base_/moco_runtime.py',
]
model = dict(
    channels_last=True,
    # from scratch, a quarter of the usual width; the last map has 4 rows
    backbone=dict(type='ResNet', depth=18, stem_channels=16, base_channels=16),
    # no two people are far apart at the start without the BN
    projector=dict(output_bn=True),
    queue_size=256,
    temperature=0.2,
    consistency='cosine',
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
# consistency with the original image allows to change colours, which LUP
# leaves out
strong_view = [
    _base_.strong_view[0],
    dict(
        type='mmpretrain.torchvision/ColorJitter',
        brightness=0.4,
        contrast=0.4,
        saturation=0.2,
        hue=0.1,
    ),
    *_base_.strong_view[1:],
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='mmpretrain.MultiView',
        num_views=[2, 1],
        transforms=[
            strong_view,
            [dict(type='ResizeImage', size=(64, 32))],
        ],
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
default_hooks = dict(logger=dict(interval=5))
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.95, end_momentum=0.95),
    dict(type='NonFiniteGuardHook'),
]
