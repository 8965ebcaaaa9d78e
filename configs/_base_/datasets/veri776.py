data_root = 'data/veri776/'

test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 256)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='VeRi776',
        data_root=data_root,
        pipeline=test_pipeline,
    ),
)
test_evaluator = dict(type='ReIDMetric')
test_cfg = dict()
