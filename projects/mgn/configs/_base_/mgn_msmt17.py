_base_ = './mgn.py'
data_root = 'data/msmt17/'
train_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
val_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
test_dataloader = dict(dataset=dict(type='MSMT17', data_root=data_root))
model = dict(head=dict(num_classes=1041))
