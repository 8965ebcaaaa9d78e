# Split 1 of ten; each has a model of its own: --cfg-options
# train_dataloader.dataset.trial=2 test_dataloader.dataset.trial=2
_base_ = [
    './_base_/cross-modal.py',
    '../../../configs/_base_/datasets/regdb.py',
]
model = dict(
    backbone=dict(thermal_cams=(1,)),
    head=dict(num_classes=206),
)
train_dataloader = dict(
    batch_sampler=dict(thermal_cams=(1,)),
    dataset=dict(type='RegDB', data_root=_base_.data_root),
)
