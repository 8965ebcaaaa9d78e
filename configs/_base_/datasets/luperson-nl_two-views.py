# A weak and a strong view of LUPerson-NL, whose tracklets are the identities:
# the table of luperson_nl2tracklets.py.
_base_ = './luperson_two-views.py'
data_root = None  # as the table states

weak_view = [
    dict(type='ResizeImage', size=(256, 128)),  # height, width
    dict(
        type='mmpretrain.torchvision/RandomCrop',
        size=(256, 128),
        padding=10,
    ),
    dict(type='mmpretrain.torchvision/RandomHorizontalFlip'),
]
train_pipeline = [
    dict(type='LoadImage'),
    dict(
        type='mmpretrain.MultiView',
        num_views=[1, 1],
        transforms=[weak_view, _base_.strong_view],
    ),
    dict(type='PackReIDInputs'),
]
train_dataloader = dict(
    batch_size=192,  # images per GPU, each of them with both views
    dataset=dict(
        ann_file='work_dirs/lupersonnl/table',
        data_root=data_root,
        pipeline=train_pipeline,
    ),
)
