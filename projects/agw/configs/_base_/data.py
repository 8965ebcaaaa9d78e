# Images and batches of both variants for one modality. Validation is on the
# test set, as in most papers; the checkpoint of the last epoch is the result.
_base_ = [
    '../../../../configs/_base_/datasets/reid_train.py',
    '../../../../configs/_base_/datasets/reid_test.py',
    '../../../../configs/_base_/supervised_runtime.py',
]
custom_imports = dict(imports=['projects.agw.agw'], allow_failed_imports=False)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(256, 128)),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(256, 128),
        padding=10,
    ),
    # with the mean of ImageNet, which is 0 after normalisation
    dict(type='RandomErasing', fill=(124, 116, 104)),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = _base_.test_dataloader
val_evaluator = _base_.test_evaluator
