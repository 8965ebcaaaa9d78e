data_root = 'data/folder_reid/'

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
        type='FolderReID',
        data_root=data_root,
        camera=None,  # or an expression that finds it, as '_c([0-9]+)'
        pipeline=test_pipeline,
    ),
)
# there is no rule about cameras where none are known
test_evaluator = dict(type='ReIDMetric', camera_aware=False)
test_cfg = dict()
