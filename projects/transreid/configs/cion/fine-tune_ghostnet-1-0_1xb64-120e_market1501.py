_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='GhostNet', arch='1_0'))
