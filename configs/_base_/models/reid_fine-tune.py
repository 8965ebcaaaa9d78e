# Each config adds its backbone and `num_classes`, the identities to train on.
model = dict(
    type='ReIDModel',
    neck=dict(type='BNNeck'),
    head=dict(
        type='ReIDHead',
        label_smoothing=0.1,
        triplet=dict(type='TripletLoss', margin=0.3),  # None: soft margin
    ),
)
