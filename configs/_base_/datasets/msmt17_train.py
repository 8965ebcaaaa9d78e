_base_ = './market1501_train.py'
data_root = 'data/msmt17/'
train_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
val_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
test_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
