_base_ = './_base_/mgn_msmt17.py'
model = dict(backbone=dict(backbone=dict(type='ResNetIBN', depth=101)))
