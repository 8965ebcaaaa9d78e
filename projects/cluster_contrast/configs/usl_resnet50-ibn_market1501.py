_base_ = ['./_base_/cluster-contrast.py', './_base_/market1501.py']
model = dict(backbone=dict(type='ResNetIBN', depth=50))
