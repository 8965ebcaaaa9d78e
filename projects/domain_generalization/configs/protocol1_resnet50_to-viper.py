# Protocol 1: trained on all images of market1501, cuhk02, cuhk03np, cuhksysu;
# tested on VIPeR, or PRID2011, GRID, iLIDS as test_dataloader.dataset.type.
# About 30,000 steps.
_base_ = [
    './_base_/baseline.py',
    '../../../configs/_base_/datasets/reid_test.py',
]
custom_imports = dict(
    imports=['projects.domain_generalization.domain_generalization'],
    allow_failed_imports=False,
)
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(type='Market1501', data_root='data/market1501/', split='all'),
            dict(type='CUHK02', data_root='data/cuhk02/', split='train'),
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
test_dataloader = dict(
    # ten splits, trial=0 to 9, which are averaged
    dataset=dict(type='VIPeR', data_root='data/viper/', trial=0),
)
model = dict(head=dict(num_classes=16718))
train_cfg = dict(max_epochs=90)
