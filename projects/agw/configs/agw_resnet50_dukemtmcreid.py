_base_ = [
    './_base_/agw.py',
    '../../../configs/_base_/datasets/dukemtmcreid_train.py',
    '../../../configs/_base_/supervised_runtime.py',
]
model = dict(head=dict(num_classes=702))
