# For a few layers on a frozen backbone (ours).
optim_wrapper = dict(
    type='OptimWrapper',
    constructor='DecayGroupsConstructor',
    optimizer=dict(type='Adam', lr=1e-3, weight_decay=5e-4),
)
# until the last epoch
param_scheduler = [
    dict(type='CosineAnnealingLR', eta_min=0, convert_to_iter_based=True),
]
train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=10)
# images per step that the learning rate is meant for
auto_scale_lr = dict(base_batch_size=64)
