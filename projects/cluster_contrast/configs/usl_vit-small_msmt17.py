_base_ = ['./_base_/cluster-contrast.py', './_base_/msmt17.py']
# the class token needs no pooling
model = dict(
    backbone=dict(
        type='VisionTransformerICS', arch='small', drop_path_rate=0.3
    ),
    neck=dict(pooling=None),
)
