# Each config adds its backbone.
model = dict(
    type='PNL',
    # statistics of LUPerson-NL ("lmdb_200_20"), published with PNL
    data_preprocessor=dict(
        type='ReIDDataPreprocessor',
        mean=(0.3452, 0.3070, 0.3114),
        std=(0.2633, 0.2500, 0.2480),
    ),
    projector=dict(type='MLPProjector', kaiming_init=True),
    # 433,997 identities of LUPerson-NL; `tools/train.py --data` counts them
    head=dict(type='PNLHead', num_classes=433_997),
    queue_size=65536,
    temperature=0.07,
    contrast_epoch=15,
)
