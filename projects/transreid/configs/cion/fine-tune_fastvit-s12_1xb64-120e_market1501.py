_base_ = '../_base_/cion_market1501.py'
model = dict(backbone=dict(type='FastViT', arch='s12'))
