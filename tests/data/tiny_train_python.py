# A pure Python config: classes instead of names, and no scope.
from mmengine.config import read_base
from mmengine.dataset import DefaultSampler, default_collate
from torch.optim import AdamW

from mmcion.datasets import IdentityDataset, IdentitySampler
from mmcion.datasets.transforms import LoadImage, MultiCrop, PackReIDInputs
from mmcion.engine import (
    Bf16OptimWrapper,
    ClipPerTensorHook,
    DecayGroupsConstructor,
    FreezeLastLayerHook,
    TeacherUpdateHook,
)
from mmcion.models import CION, Projector, SelfDistillHead
from tests.tiny import TinyBackbone

with read_base():
    from .tiny_runtime_python import *

model = dict(
    type=CION,
    backbone=dict(type=TinyBackbone, use_bn=True),
    projector=dict(
        type=Projector,
        in_channels=8,
        hidden_channels=16,
        bottleneck_channels=6,
        num_prototypes=12,
    ),
    head=dict(type=SelfDistillHead),
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    collate_fn=dict(type=default_collate),
    dataset=dict(
        type=IdentityDataset,
        ann_file='annotation',
        data_root='.',
        pipeline=[
            dict(type=LoadImage),
            dict(
                type=MultiCrop,
                global_size=(16, 8),
                local_size=(8, 4),
                num_local=2,
            ),
            dict(type=PackReIDInputs),
        ],
    ),
    sampler=dict(type=DefaultSampler),
    batch_sampler=dict(type=IdentitySampler, num_instances=4),
)
optim_wrapper = dict(
    type=Bf16OptimWrapper,
    constructor=DecayGroupsConstructor,
    optimizer=dict(type=AdamW, lr=1e-2, weight_decay=0.04),
)
custom_hooks = [
    dict(type=TeacherUpdateHook),
    dict(type=FreezeLastLayerHook),
    dict(type=ClipPerTensorHook),
]
train_cfg = dict(by_epoch=True, max_epochs=1)
