_base_ = './reid_test.py'
data_root = 'data/folder_reid/'
test_dataloader = dict(
    dataset=dict(
        type='FolderReID',
        data_root=data_root,
        camera=None,  # or an expression that finds it, as '_c([0-9]+)'
    )
)
