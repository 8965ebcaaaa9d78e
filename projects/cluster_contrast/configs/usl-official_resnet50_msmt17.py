_base_ = ['./_base_/cluster-contrast_official.py', './_base_/msmt17.py']
model = dict(backbone=dict(type='ResNet', depth=50))
# 16 clusters x 16; erased to the levels of ImageNet's statistics
_base_.train_pipeline[4].fill = (152, 142, 127)
train_dataloader = dict(
    batch_size=64,  # images per GPU, for 4
    dataset=dict(pipeline=_base_.train_pipeline),
    batch_sampler=dict(num_instances=16, num_batches=400),
)
custom_hooks = [
    dict(type='PseudoLabelHook', eps=0.6),
    dict(type='NonFiniteGuardHook'),
]
