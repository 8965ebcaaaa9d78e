# Validation is on the test set, since the set has no split for it.
_base_ = ['./market1501.py', './reid_train.py']
train_dataloader = dict(
    dataset=dict(type='Market1501', data_root=_base_.data_root)
)
val_dataloader = _base_.test_dataloader
val_evaluator = _base_.test_evaluator
