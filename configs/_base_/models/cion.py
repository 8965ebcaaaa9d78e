# Each config adds its backbone.
model = dict(
    type='CION',
    data_preprocessor=dict(type='ReIDDataPreprocessor'),
    # 65336 (sic) in the published checkpoints; the head takes the same number
    projector=dict(type='Projector', num_prototypes=65336),
    head=dict(type='SelfDistillHead'),
)
