_base_ = './reid_test.py'
data_root = 'data/msmt17/'
test_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
