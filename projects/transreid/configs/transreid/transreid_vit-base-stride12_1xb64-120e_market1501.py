_base_ = '../_base_/transreid_market1501.py'
model = dict(backbone=dict(arch='plain_vit_base', stride=12))
