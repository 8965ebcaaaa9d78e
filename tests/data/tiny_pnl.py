_base_ = './tiny_moco.py'
model = dict(
    type='PNL',
    # all parts from the second epoch on
    head=dict(type='PNLHead', num_classes=8, correction_epoch=1),
    contrast_epoch=1,
)
