# DINO on LUPerson as TransReID-SSL runs it, 8 GPUs x 64 images. What is
# published and what is ours: README.md beside this file.
_base_ = [
    '../_base_/models/cion.py',
    '../_base_/datasets/luperson_multicrop.py',
    '../_base_/schedules/adamw-cos_100e.py',
    '../_base_/dino_runtime.py',
]
model = dict(
    type='DINO',
    # paths are dropped in the student only
    backbone=dict(
        type='VisionTransformerICS', arch='small', drop_path_rate=0.1
    ),
    projector=dict(num_prototypes=65536),
)
sync_bn = 'torch'
