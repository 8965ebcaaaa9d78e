# A small backbone for CPUs, with a head to match. The prototypes are few
# because a single video has few people.
model = dict(
    type='CION',
    data_preprocessor=dict(type='ReIDDataPreprocessor'),
    backbone=dict(
        type='mmpretrain.TIMMBackbone', model_name='mobilenetv2_100'
    ),
    projector=dict(
        type='Projector',
        in_channels=1280,
        hidden_channels=512,
        num_prototypes=1024,
    ),
    head=dict(type='SelfDistillHead', num_prototypes=1024),
)
