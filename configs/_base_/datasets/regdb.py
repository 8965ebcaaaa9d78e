_base_ = './reid_test.py'
data_root = 'data/regdb/'

test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(288, 144)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(
    dataset=dict(type='RegDB', data_root=data_root, pipeline=test_pipeline)
)
test_evaluator = dict(both_directions=True)
