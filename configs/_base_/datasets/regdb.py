data_root = 'data/regdb/'

test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(288, 144)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='RegDB',
        data_root=data_root,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='ReIDMetric', both_directions=True)
test_cfg = dict()
