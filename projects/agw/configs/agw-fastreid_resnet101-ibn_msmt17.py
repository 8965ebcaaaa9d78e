_base_ = './_base_/agw-fastreid.py'
data = dict(type='MSMT17', data_root='data/msmt17/')
train_dataloader = dict(dataset=data)
val_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
model = dict(
    backbone=dict(
        trunk=dict(type='ResNetIBN', depth=101), non_local=(0, 2, 9, 0)
    ),
    head=dict(num_classes=1041),
)
