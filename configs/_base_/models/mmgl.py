# Two stems and shared stages, as the authors fine-tune; see
# configs/mmgl/README.md for what is theirs. Each config adds thermal_cams.
model = dict(
    type='MMGL',
    data_preprocessor=dict(type='ReIDDataPreprocessor'),
    channels_last=True,
    backbone=dict(
        type='TwoStreamResNet',
        trunk=dict(type='ResNet', depth=50),
        non_local=(0, 0, 0, 0),
    ),
    projector=dict(type='PartProjector', num_parts=6, out_channels=256),
    head=dict(type='PermutationHead', num_stripes=6),
    cycle_weight=0.5,
    cycle=dict(temperature=0.07, retrieval_temp=0.07),
)
