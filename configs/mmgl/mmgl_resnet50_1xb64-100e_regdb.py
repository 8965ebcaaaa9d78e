# Split 1 of ten; each has a model of its own: --cfg-options
# train_dataloader.dataset.trial=2 test_dataloader.dataset.trial=2
_base_ = [
    '../_base_/models/mmgl.py',
    '../_base_/datasets/cross-modal_train.py',
    '../_base_/datasets/regdb.py',
    '../_base_/schedules/sgd-step_100e.py',
    '../_base_/default_runtime.py',
]
custom_hooks = [dict(type='NonFiniteGuardHook')]
thermal_cams = (1,)
model = dict(
    thermal_cams=thermal_cams,
    backbone=dict(thermal_cams=thermal_cams),
)
train_dataloader = dict(
    batch_sampler=dict(thermal_cams=thermal_cams),
    dataset=dict(type='RegDB', data_root=_base_.data_root),
)
