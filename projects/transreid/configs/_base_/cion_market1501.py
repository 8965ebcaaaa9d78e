# CION's fine-tuning of all its networks; the configs add backbone and batch.
_base_ = [
    '../../../../configs/_base_/models/reid_fine-tune.py',
    '../../../../configs/_base_/datasets/market1501_train.py',
    '../../../../configs/_base_/schedules/sgd-cos_120e.py',
    '../../../../configs/_base_/supervised_runtime.py',
]
custom_imports = dict(imports=['projects.transreid.transreid'])

mean = (0.5, 0.5, 0.5)
std = (0.5, 0.5, 0.5)
model = dict(
    # CION fine-tunes by 0.5 what it has pre-trained by those of ImageNet
    other_statistics=True,
    data_preprocessor=dict(type='ReIDDataPreprocessor', mean=mean, std=std),
    head=dict(
        num_classes=751,
        label_smoothing=0.0,
        triplet=dict(margin=None),  # soft
    ),
    neck_feat='before',
)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),  # height, width
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(256, 128),
        padding=10,
    ),
    dict(type='NoiseErasing', mean=mean, std=std),
    dict(type='PackReIDInputs'),
]
# bilinear, unlike that of training, as published
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128), interpolation='bilinear'),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

# the last epoch is the result: scores on the way choose nothing
default_hooks = dict(checkpoint=dict(save_best=None))
randomness = dict(seed=1234)
