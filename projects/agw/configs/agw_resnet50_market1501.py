_base_ = './_base_/agw.py'
data = dict(type='Market1501', data_root='data/market1501/')
train_dataloader = dict(dataset=data)
val_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
model = dict(head=dict(num_classes=751))
