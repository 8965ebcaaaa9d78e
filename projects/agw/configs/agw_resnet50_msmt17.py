_base_ = './_base_/agw.py'
data = dict(type='MSMT17', data_root='data/msmt17/')
train_dataloader = dict(dataset=data)
val_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
model = dict(head=dict(num_classes=1041))
