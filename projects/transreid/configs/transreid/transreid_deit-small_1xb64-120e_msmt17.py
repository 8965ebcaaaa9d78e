_base_ = '../_base_/transreid_msmt17.py'
model = dict(backbone=dict(arch='plain_vit_small'))
