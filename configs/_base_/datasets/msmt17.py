_base_ = './market1501.py'
data_root = 'data/msmt17/'
test_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
