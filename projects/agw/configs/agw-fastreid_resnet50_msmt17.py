_base_ = [
    './_base_/agw-fastreid.py',
    '../../../configs/_base_/datasets/msmt17_train.py',
    '../../../configs/_base_/supervised_runtime.py',
]
model = dict(head=dict(num_classes=1041))
