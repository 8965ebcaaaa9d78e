# Each config adds its backbone and `num_classes`, the identities to train on.
model = dict(
    type='ReIDModel',
    frozen_backbone=True,
    neck=dict(type='BNNeck', embed_dims=512),
    head=dict(type='ReIDHead'),
)
