# TransReID as published: images, losses and batches of CION's recipe, parts
# and cameras, and a schedule of its own. The configs add the network.
_base_ = './cion_market1501.py'
model = dict(
    backbone=dict(
        type='TransReIDViT',
        num_cameras=6,
        unseen_camera='mean',  # or zero, or error
    ),
    neck=dict(type='JPMNeck'),
    head=dict(type='JPMHead'),
)
optim_wrapper = dict(optimizer=dict(lr=0.008))
# a warm-up of 5 epochs, whose first epoch is step 1
param_scheduler = [
    dict(type='TimmCosineLR', warmup_ratio=5 / 120, first_step=1),
]
