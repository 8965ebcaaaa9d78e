_base_ = '../_base_/cion_msmt17.py'
model = dict(backbone=dict(type='VOLO', arch='d2'))
