_base_ = './reid_test.py'
data_root = 'data/market1501/'
test_dataloader = dict(dataset=dict(type='Market1501', data_root=data_root))
