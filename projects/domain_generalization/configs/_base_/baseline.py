# The plain baseline of domain generalisation: a ResNet50 with cross-entropy
# and triplets on several sets, tested on another. 60 epochs of 500 steps.
_base_ = [
    '../../../../configs/_base_/models/reid_fine-tune.py',
    '../../../../configs/_base_/datasets/reid_train.py',
    '../../../../configs/_base_/schedules/adam-step_120e.py',
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
# ratios of the training: a warm-up of 10 of 60 epochs, a tenth from 30 and
# from 50 on
_base_.param_scheduler[0].warmup_ratio = 10 / 60
_base_.param_scheduler[0].milestone_ratios = [30 / 60, 50 / 60]
# Passes over the images; each config sets as many as make 60 x 500 steps. No
# validation: the target must not choose the model.
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=60)
val_cfg = None
default_hooks = dict(checkpoint=dict(save_best=None))
auto_scale_lr = dict(base_batch_size=256)
