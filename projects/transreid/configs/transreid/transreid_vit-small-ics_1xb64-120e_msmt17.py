_base_ = '../_base_/transreid_msmt17.py'
model = dict(backbone=dict(arch='vit_small'))
