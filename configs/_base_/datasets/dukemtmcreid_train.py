# Validation is on the test set, since the set has no split for it.
_base_ = ['./dukemtmcreid.py', './reid_train.py']
train_dataloader = dict(
    dataset=dict(type='DukeMTMCreID', data_root=_base_.data_root)
)
val_dataloader = _base_.test_dataloader
val_evaluator = _base_.test_evaluator
