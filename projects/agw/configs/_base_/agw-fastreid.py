# AGW of fast-reid: the strong baseline with non-local blocks of half width,
# a fixed exponent of the pooling, and weighted triplets. No centre loss.
_base_ = [
    './data.py',
    '../../../../configs/_base_/schedules/adam-step_120e.py',
]
model = dict(
    type='ReIDModel',
    backbone=dict(
        type='NonLocalResNet',
        trunk=dict(type='ResNet', depth=50),
        non_local=(0, 2, 3, 0),  # 0, 2, 9, 0 and 0, 4, 12, 0 of deeper ones
    ),
    neck=dict(
        type='BNNeck',
        pooling=dict(type='GeneralizedMeanPooling', trainable=False),
    ),
    head=dict(
        type='AGWHead',
        label_smoothing=0.1,
        smoothed_over='others',
        triplet=dict(type='WeightedTripletLoss'),
    ),
)
# biases, those of norms too, at twice the rate
optim_wrapper = dict(
    paramwise_cfg=dict(custom_keys=dict(bias=dict(lr_mult=2.0))),
)
