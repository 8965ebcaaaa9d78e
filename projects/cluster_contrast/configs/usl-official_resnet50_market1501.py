_base_ = ['./_base_/cluster-contrast_official.py', './_base_/market1501.py']
model = dict(backbone=dict(type='ResNet', depth=50))
# 16 clusters x 16; erased to the levels of ImageNet's statistics
_base_.train_pipeline[4].fill = (152, 142, 127)
train_dataloader = dict(
    dataset=dict(pipeline=_base_.train_pipeline),
    batch_sampler=dict(num_instances=16, num_batches=200),
)
