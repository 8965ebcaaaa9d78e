# Protocol 3: trained on all images of market1501, cuhk03np, cuhksysu;
# tested on msmt17. About 24,000 steps.
_base_ = [
    './_base_/baseline.py',
    '../../../configs/_base_/datasets/msmt17.py',
]
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(type='Market1501', data_root='data/market1501/', split='all'),
            dict(
                type='CUHK03NP',
                data_root='data/cuhk03np/',
                split='all',
                boxes='detected',
            ),
            dict(type='FolderReID', data_root='data/cuhksysu/', split='train'),
        ],
    )
)
model = dict(head=dict(num_classes=14902))
train_cfg = dict(max_epochs=78)
