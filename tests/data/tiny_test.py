_base_ = [
    '../../configs/_base_/datasets/query_gallery.py',
    '../../configs/_base_/default_runtime.py',
]
custom_imports = dict(imports=['tests.tiny'], allow_failed_imports=False)

model = dict(type='ReIDModel', backbone=dict(type='TinyBackbone'))
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeImage', size=(16, 8)),
    dict(type='PackReIDInputs'),
]
test_dataloader = dict(num_workers=0, dataset=dict(pipeline=test_pipeline))
