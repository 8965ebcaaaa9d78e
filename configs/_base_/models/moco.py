# Each config adds its backbone.
model = dict(
    type='MoCo',
    # statistics of LUPerson, published with LUP
    data_preprocessor=dict(
        type='ReIDDataPreprocessor',
        mean=(0.3525, 0.3106, 0.3140),
        std=(0.2660, 0.2522, 0.2505),
    ),
    # as wide as the backbone's feature, then 128
    projector=dict(type='MLPProjector'),
    queue_size=65536,
    temperature=0.1,
)
