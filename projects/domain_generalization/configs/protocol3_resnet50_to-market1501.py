# Protocol 3: trained on all images of msmt17, cuhk03np, cuhksysu;
# tested on market1501. About 60,000 steps.
_base_ = [
    './_base_/baseline.py',
    '../../../configs/_base_/datasets/market1501.py',
]
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(type='MSMT17', data_root='data/msmt17/', split='all'),
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
model = dict(head=dict(num_classes=17502))
train_cfg = dict(max_epochs=88)
