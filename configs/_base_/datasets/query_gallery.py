_base_ = './reid_test.py'
test_dataloader = dict(
    dataset=dict(
        type='ReIDDataset',
        ann_file='data/query_gallery.csv',
        data_root='data',
    )
)
