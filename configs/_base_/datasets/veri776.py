_base_ = './reid_test.py'
data_root = 'data/veri776/'

test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 256)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(
    dataset=dict(type='VeRi776', data_root=data_root, pipeline=test_pipeline)
)
