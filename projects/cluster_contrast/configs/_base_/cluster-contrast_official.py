# Cluster Contrast in the settings of its authors' README: Adam, every image of
# a cluster moves its centre in turn, statistics of ImageNet.
_base_ = './cluster-contrast.py'
model = dict(
    other_statistics=False,  # those of its start
    data_preprocessor=dict(
        mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    ),
    head=dict(memory=dict(momentum=0.1, rule='sequential')),
)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Adam', lr=3.5e-4, weight_decay=5e-4),
)
