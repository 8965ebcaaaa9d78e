# Protocol 2: trained on the training sets of market1501, cuhk03np, cuhksysu;
# tested on msmt17. About 12,000 steps.
_base_ = [
    './_base_/baseline.py',
    '../../../configs/_base_/datasets/msmt17.py',
]
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(
                type='Market1501', data_root='data/market1501/', split='train'
            ),
            dict(
                type='CUHK03NP',
                data_root='data/cuhk03np/',
                split='train',
                boxes='detected',
            ),
            dict(type='FolderReID', data_root='data/cuhksysu/', split='train'),
        ],
    )
)
model = dict(head=dict(num_classes=13452))
train_cfg = dict(max_epochs=56)
