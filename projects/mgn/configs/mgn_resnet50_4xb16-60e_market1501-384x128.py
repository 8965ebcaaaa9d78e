_base_ = './_base_/mgn_market1501.py'
model = dict(backbone=dict(backbone=dict(type='ResNet', depth=50)))
