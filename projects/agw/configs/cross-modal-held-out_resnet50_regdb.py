# The best epoch is that of 21 of 206 training identities, which are held out
# for that; the test set is for tools/test.py alone. Another split:
# --cfg-options train_dataloader.dataset.dataset.trial=2
# val_dataloader.dataset.dataset.trial=2 test_dataloader.dataset.trial=2
_base_ = './cross-modal_resnet50_regdb.py'
whole_dataset = dict(type='RegDB', data_root=_base_.data_root)
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
        query_cams=(0,),
        pipeline=_base_.test_pipeline,
    ),
)
val_evaluator = _base_.test_evaluator
val_cfg = dict(_delete_=True)
model = dict(head=dict(num_classes=185))
train_cfg = dict(val_interval=2)
default_hooks = dict(checkpoint=dict(save_best='reid/mAP'))
