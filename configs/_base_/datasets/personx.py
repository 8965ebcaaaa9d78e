_base_ = './reid_test.py'
data_root = 'data/personx/'
test_dataloader = dict(dataset=dict(type='PersonX', data_root=data_root))
