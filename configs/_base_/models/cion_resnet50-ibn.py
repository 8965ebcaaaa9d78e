model = dict(
    type='CION',
    data_preprocessor=dict(type='ReIDDataPreprocessor'),
    backbone=dict(type='ResNetIBN', depth=50),
    projector=dict(type='Projector', in_channels=2048, num_prototypes=65336),
    head=dict(type='SelfDistillHead', num_prototypes=65336),
)
