# Its test is direct transfer: infrared queries, visible gallery.
_base_ = [
    '../_base_/models/mmgl.py',
    '../_base_/datasets/cross-modal_train.py',
    '../_base_/datasets/sysumm01.py',
    '../_base_/schedules/sgd-step_100e.py',
    '../_base_/default_runtime.py',
]
custom_hooks = [dict(type='NonFiniteGuardHook')]
thermal_cams = (3, 6)
model = dict(
    thermal_cams=thermal_cams,
    backbone=dict(thermal_cams=thermal_cams),
)
train_dataloader = dict(
    batch_sampler=dict(thermal_cams=thermal_cams),
    dataset=dict(type='SYSUMM01', data_root=_base_.data_root),
)
