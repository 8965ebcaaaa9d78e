# What all sets of queries and gallery share; each adds where its images are.
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),  # height, width
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(pipeline=test_pipeline),
)
test_evaluator = dict(type='ReIDMetric')
test_cfg = dict()
