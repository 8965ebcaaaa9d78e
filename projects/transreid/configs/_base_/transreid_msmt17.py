_base_ = './transreid_market1501.py'
data_root = 'data/msmt17/'
dataset = dict(type='MSMT17', data_root=data_root)
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
model = dict(
    backbone=dict(num_cameras=15),
    head=dict(num_classes=1041),
)
