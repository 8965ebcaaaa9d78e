# Each config adds its backbone, `in_channels` of neck and head, and
# `num_classes`.
model = dict(
    type='ReIDModel',
    neck=dict(type='BNNeck'),
    head=dict(
        type='ReIDHead',
        label_smoothing=0.1,
        triplet=dict(type='TripletLoss', margin=0.3),
    ),
)
