_base_ = './reid_test.py'
data_root = 'data/cuhk03np/'
test_dataloader = dict(
    dataset=dict(type='CUHK03NP', data_root=data_root, boxes='detected')
)
