# Luo et al., "Bag of tricks and a strong baseline for deep person
# re-identification" (CVPRW 2019), with the second step at epoch 90 as in
# fast-reid. For batches of 64.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4),
)
param_scheduler = [
    dict(
        type='LinearLR',
        start_factor=0.1,
        begin=0,
        end=10,
        convert_to_iter_based=True,
    ),
    dict(type='MultiStepLR', milestones=[40, 90], gamma=0.1),
]
train_cfg = dict(by_epoch=True, max_epochs=120, val_interval=10)
auto_scale_lr = dict(base_batch_size=64)
