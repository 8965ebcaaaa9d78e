"""Backbones, images and annotations small enough for a test."""

import csv
import zlib

import cv2
import numpy as np
import torch
from torch import nn

from mmcion.datasets.transforms import MultiCrop
from mmcion.registry import MODELS, TRANSFORMS
from mmcion.structures import AnnotationTable, ReIDDataSample

DIM, PROTOTYPES = 8, 12
NECK = {'type': 'BNNeck', 'in_channels': DIM}
# what training of an identity classifier stores
FINE_TUNED = {
    'model': {
        'type': 'ReIDModel',
        'backbone': {'type': 'TinyBackbone', 'init_cfg': {'type': 'Xavier'}},
        'backbone_checkpoint': 'start.pth',
        'neck': NECK,
        'neck_feat': 'before',
        'head': {'type': 'ReIDHead', 'in_channels': DIM, 'num_classes': 5},
        'data_preprocessor': {
            'type': 'ReIDDataPreprocessor',
            'mean': (0.5, 0.5, 0.5),
            'std': (0.5, 0.5, 0.5),
        },
    },
    'test_dataloader': {
        'dataset': {
            'pipeline': [
                {'type': 'LoadImage'},
                {'type': 'ResizeImage', 'size': (16, 8)},
                {'type': 'PackReIDInputs'},
            ]
        }
    },
    'custom_imports': {'imports': ['tests.tiny']},
}


@MODELS.register_module(force=True)
class TinyBackbone(nn.Sequential):
    """Two convolutions, with or without batch normalisation."""

    def __init__(self, use_bn=False):
        norm = nn.BatchNorm2d if use_bn else nn.Identity
        super().__init__(
            nn.Conv2d(3, 4, 3, 2, 1),
            norm(4),
            nn.ReLU(),
            nn.Conv2d(4, DIM, 3, 2, 1),
        )


@MODELS.register_module(force=True)
class TinyTwoStream(nn.Module):
    """A first convolution for each modality; camera 1 is thermal."""

    takes_cameras = True

    def __init__(self):
        super().__init__()
        self.stems = nn.ModuleList(nn.Conv2d(3, 4, 3, 2, 1) for _ in range(2))
        self.shared = nn.Sequential(nn.ReLU(), nn.Conv2d(4, DIM, 3, 2, 1))

    def forward(self, x, cam_ids=None):
        visible, thermal = (stem(x) for stem in self.stems)
        if cam_ids is None:
            return self.shared(visible)
        chosen = torch.tensor(cam_ids)[:, None, None, None] == 1
        return self.shared(torch.where(chosen, thermal, visible))


@TRANSFORMS.register_module(force=True)
class SeededMultiCrop(MultiCrop):
    """Views that depend on the file alone, on whatever rank and worker."""

    def __call__(self, results):
        with torch.random.fork_rng(devices=[]):
            name = results['img_path'].rsplit('/', 1)[-1]
            torch.default_generator.manual_seed(zlib.crc32(name.encode()))
            return super().__call__(results)


def pretrainer_cfg(use_bn=False, **options):
    return {
        'type': 'CION',
        'data_preprocessor': {'type': 'ReIDDataPreprocessor'},
        'backbone': {'type': 'TinyBackbone', 'use_bn': use_bn},
        'projector': {
            'type': 'Projector',
            'in_channels': DIM,
            'hidden_channels': 16,
            'bottleneck_channels': 6,
            'num_prototypes': PROTOTYPES,
        },
        'head': {'type': 'SelfDistillHead'},
        **options,
    }


def make_pretrainer(use_bn=False, seed=0, **options):
    torch.manual_seed(seed)
    model = MODELS.build(pretrainer_cfg(use_bn, **options))
    model.init_weights()
    return model


def make_views(batch, num_local=2, seed=0):
    """Normalised views: two of 16 x 8 pixels, then local ones of 8 x 4."""
    rng = torch.Generator().manual_seed(seed)
    sizes = [(16, 8)] * 2 + [(8, 4)] * num_local
    return [torch.randn(batch, 3, *size, generator=rng) for size in sizes]


def make_samples(pids):
    return [ReIDDataSample(metainfo={'pid': pid}) for pid in pids]


def write_image(path, seed=0, size=(24, 12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (*size, 3), np.uint8)
    cv2.imwrite(str(path), image)
    return path


def write_identities(folder, sizes=(4, 4, 4, 4)):
    """Write images and ``annotation`` of identities with the given sizes."""
    pids = np.repeat(np.arange(len(sizes)), sizes)
    names = [f'{row}.png' for row in range(len(pids))]
    for row, name in enumerate(names):
        write_image(folder / name, seed=row)
    AnnotationTable(names, pids, pids % 2).save(folder / 'annotation')
    return folder


def write_query_gallery(folder, num_identities=4):
    """Write ``query_gallery.csv``: each identity once in both cameras."""
    rows = []
    for split, cam_id in (('query', 0), ('gallery', 1)):
        for pid in range(num_identities):
            name = f'{split}{pid}.png'
            write_image(folder / name, seed=pid + 10 * cam_id)
            rows.append((name, pid, cam_id, split))
    with open(folder / 'query_gallery.csv', 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerows([('path', 'pid', 'cam_id', 'split'), *rows])
    return folder
