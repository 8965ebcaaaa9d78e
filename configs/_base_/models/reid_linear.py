# Each config adds its backbone, `in_channels` of the neck and `num_classes`.
model = dict(
    type='ReIDModel',
    frozen_backbone=True,
    neck=dict(type='BNNeck', embed_dims=512),
    head=dict(type='ReIDHead', in_channels=512),
)
