data_root = 'data/personx/'

test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='PersonX',
        data_root=data_root,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='ReIDMetric')
test_cfg = dict()
