_base_ = './_base_/agw.py'
data = dict(type='DukeMTMCreID', data_root='data/dukemtmcreid/')
train_dataloader = dict(dataset=data)
val_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
model = dict(head=dict(num_classes=702))
