# Protocol 2: trained on the training sets of market1501, msmt17, cuhksysu;
# tested on cuhk03np. About 30,000 steps.
_base_ = [
    './_base_/baseline.py',
    '../../../configs/_base_/datasets/cuhk03np_detected.py',
]
train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(
                type='Market1501', data_root='data/market1501/', split='train'
            ),
            dict(type='MSMT17', data_root='data/msmt17/', split='train'),
            dict(type='FolderReID', data_root='data/cuhksysu/', split='train'),
        ],
    )
)
model = dict(head=dict(num_classes=13726))
train_cfg = dict(max_epochs=96)
