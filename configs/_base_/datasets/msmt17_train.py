# Validation is on the test set, as in most papers.
_base_ = ['./msmt17.py', './reid_train.py']
train_dataloader = dict(
    dataset=dict(type='MSMT17', data_root=_base_.data_root)
)
val_dataloader = _base_.test_dataloader
val_evaluator = _base_.test_evaluator
