# Each config adds its backbone and `in_channels` of the projector.
model = dict(
    type='CION',
    data_preprocessor=dict(type='ReIDDataPreprocessor'),
    projector=dict(type='Projector', num_prototypes=65336),
    head=dict(type='SelfDistillHead', num_prototypes=65336),
)
