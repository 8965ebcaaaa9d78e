_base_ = './mgn.py'
data_root = 'data/market1501/'
train_dataloader = dict(dataset=dict(type='Market1501', data_root=data_root))
val_dataloader = dict(dataset=dict(type='Market1501', data_root=data_root))
test_dataloader = dict(dataset=dict(type='Market1501', data_root=data_root))
model = dict(head=dict(num_classes=751))
