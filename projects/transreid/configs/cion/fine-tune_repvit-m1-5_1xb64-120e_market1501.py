_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='RepViT', arch='m1_5'))
