# Cluster Contrast in the settings of CION (and of TransReID-SSL): SGD, the
# hardest image of a cluster moves its centre, statistics 0.5. Each config adds
# backbone and data set.
_base_ = '../../../../configs/_base_/default_runtime.py'
custom_imports = dict(
    imports=['projects.cluster_contrast.cluster_contrast'],
    allow_failed_imports=False,
)
model = dict(
    type='ReIDModel',
    # CION trains by 0.5 what it has pre-trained by those of ImageNet
    other_statistics=True,
    data_preprocessor=dict(
        type='ReIDDataPreprocessor', mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
    ),
    neck=dict(type='BNNeck', pooling=dict(type='GeneralizedMeanPooling')),
    head=dict(
        type='ClusterContrastHead',
        memory=dict(
            type='ClusterMemory',
            temperature=0.05,
            momentum=0.2,
            rule='hard',
        ),
    ),
    neck_feat='after',
)
optim_wrapper = dict(
    type='OptimWrapper',
    # weights, biases and norms alike
    optimizer=dict(type='SGD', lr=3.5e-4, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [dict(type='StepLR', step_size=20, gamma=0.1)]
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=10)
default_hooks = dict(checkpoint=dict(interval=10, save_best='reid/mAP'))
randomness = dict(seed=1)
