# Visible-infrared AGW as its authors run it: batches of 8 identities with 4
# images of each modality, 81 epochs, the last of which is tested. Each config
# adds its data and the cameras of thermal images.
_base_ = [
    '../../../../configs/_base_/datasets/cross-modal_train.py',
    '../../../../configs/_base_/supervised_runtime.py',
]
custom_imports = dict(imports=['projects.agw.agw'], allow_failed_imports=False)
model = dict(
    type='ReIDModel',
    backbone=dict(
        type='TwoStreamResNet',
        trunk=dict(type='ResNet', depth=50),
        non_local=(0, 2, 3, 0),
        inner_channels=1,
    ),
    neck=dict(
        type='BNNeck',
        pooling=dict(
            type='GeneralizedMeanPooling',
            trainable=False,
            eps=1e-12,
            eps_in_mean=True,
        ),
    ),
    head=dict(type='ReIDHead', triplet=dict(type='WeightedTripletLoss')),
)
train_dataloader = dict(batch_sampler=dict(num_instances=4))
# neck and classifier at the full rate, the backbone at a tenth
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(
        type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    ),
    paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1))),
)
# Per epoch e = 0, 1, ...: (e + 1) / 10 up to the full rate, a tenth from e =
# 20 and from e = 50 on. Ratios of max_epochs.
param_scheduler = [
    dict(
        type='WarmupMultiStepLR',
        warmup_ratio=10 / 81,
        start_factor=0.1,
        milestone_ratios=[20 / 81, 50 / 81],
        gamma=0.1,
    ),
]
train_cfg = dict(by_epoch=True, max_epochs=81)
# the published code takes the best epoch of the test's first gallery
val_cfg = None
default_hooks = dict(checkpoint=dict(save_best=None))
auto_scale_lr = dict(base_batch_size=64)
