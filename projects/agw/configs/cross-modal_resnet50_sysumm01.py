_base_ = [
    './_base_/cross-modal.py',
    '../../../configs/_base_/datasets/sysumm01.py',
]
model = dict(
    backbone=dict(thermal_cams=(3, 6)),
    head=dict(num_classes=395),
)
train_dataloader = dict(
    batch_sampler=dict(thermal_cams=(3, 6)),
    dataset=dict(type='SYSUMM01', data_root=_base_.data_root),
)
