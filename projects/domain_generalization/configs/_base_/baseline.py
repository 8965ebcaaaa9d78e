# The plain baseline of domain generalisation: a ResNet50 with cross-entropy
# and triplets on several sets, tested on another. 60 epochs of 500 steps.
_base_ = [
    '../../../../configs/_base_/models/reid_fine-tune.py',
    '../../../../configs/_base_/datasets/reid_train.py',
    '../../../../configs/_base_/supervised_runtime.py',
]
model = dict(
    backbone=dict(type='ResNet', depth=50),
    head=dict(label_smoothing=0.0),
)
train_dataloader = dict(
    batch_size=256,  # 64 identities x 4 images, over all GPUs
    dataset=dict(
        _delete_=True,
        type='ConcatReID',
        datasets=[],  # each config lists its sources
        pipeline=_base_.train_pipeline,
    ),
)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='Adam', lr=3.5e-4, weight_decay=5e-4),
)
# ratios of the training: a warm-up of 10 of 60 epochs, a tenth from 30 and
# from 50 on
param_scheduler = [
    dict(
        type='WarmupMultiStepLR',
        warmup_ratio=10 / 60,
        start_factor=0.1,
        milestone_ratios=[30 / 60, 50 / 60],
        gamma=0.1,
        convert_to_iter_based=True,
    ),
]
# Passes over the images; each config sets as many as make 60 x 500 steps. No
# validation: the target must not choose the model.
train_cfg = dict(by_epoch=True, max_epochs=60)
val_cfg = None
default_hooks = dict(checkpoint=dict(save_best=None))
auto_scale_lr = dict(base_batch_size=256)
