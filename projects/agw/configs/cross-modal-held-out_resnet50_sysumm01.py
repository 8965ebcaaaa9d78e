# The best epoch is that of 40 of 395 training identities, which are held out
# for that; the test set is for tools/test.py alone.
_base_ = './cross-modal_resnet50_sysumm01.py'
whole_dataset = dict(type='SYSUMM01', data_root=_base_.data_root)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='HoldOutReID',
        dataset=whole_dataset,
        split='train',
        hold_out=0.1,
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='HoldOutReID',
        dataset=whole_dataset,
        hold_out=0.1,
        query_cams=(3, 6),
        pipeline=_base_.test_pipeline,
    ),
)
val_evaluator = _base_.test_evaluator
val_cfg = dict(_delete_=True)
model = dict(head=dict(num_classes=355))
train_cfg = dict(val_interval=2)
default_hooks = dict(checkpoint=dict(save_best='reid/mAP'))
