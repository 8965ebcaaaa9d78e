_base_ = ['./_base_/cluster-contrast.py', './_base_/msmt17.py']
model = dict(backbone=dict(type='ResNet', depth=101))
