# Market-1501 to train on: 16 identities x 4 images a batch. Scores on the way
# are those of the test set, which has no part for validation.
_base_ = './market1501.py'
data_root = 'data/market1501/'

train_pipeline = [
    dict(type='SeedTransforms'),
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(256, 128),
        padding=10,
    ),
    # the mean of ImageNet, which is 0 once it is normalised
    dict(
        type='mmpretrain.torchvision/RandomErasing',
        p=0.5,
        scale=(0.02, 0.4),
        ratio=(0.3, 3.33),
        value=(124, 116, 104),
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    persistent_workers=True,
    drop_last=True,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='Market1501',
        data_root=data_root,
        split='train',
        pipeline=train_pipeline,
    ),
    sampler=dict(type='IdentitySampler', batch_size=64, num_instances=4),
)
val_dataloader = _base_.test_dataloader
val_evaluator = _base_.test_evaluator
val_cfg = dict()
