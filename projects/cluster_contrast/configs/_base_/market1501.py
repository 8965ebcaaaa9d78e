# The best epoch is that of 75 of 751 training identities, which are held out
# for that; the test set is for tools/test.py alone. With
# train_dataloader.dataset.hold_out=0 all images are trained on, as published.
_base_ = [
    '../../../../configs/_base_/datasets/market1501.py',
    './unlabelled.py',
]
whole_dataset = dict(type='Market1501', data_root=_base_.data_root)
train_dataloader = dict(
    dataset=dict(dataset=whole_dataset),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HoldOutReID',
        dataset=whole_dataset,
        hold_out=0.1,
        pipeline=_base_.test_pipeline,
    ),
)
val_evaluator = _base_.test_evaluator
custom_hooks = [
    dict(type='PseudoLabelHook', eps=0.6),
    dict(type='NonFiniteGuardHook'),
]
