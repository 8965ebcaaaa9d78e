_base_ = './tiny_train.py'
model = dict(type='DINO')
train_dataloader = dict(batch_sampler=dict(_delete_=True, type='ImageSampler'))
custom_hooks = [
    dict(type='TeacherUpdateHook', momentum=0.9),
    dict(type='FreezeLastLayerHook', epochs=1),
    dict(type='ClipPerTensorHook', max_norm=0.1),
]
