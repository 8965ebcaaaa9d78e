"""The 32 architectures of ReIDZoo by their published names, and others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError, suggest

_DEPTHS = {'18': 512, '50': 2048, '101': 2048, '152': 2048}
_WIDTHS = {'tiny': 192, 'small': 384, 'base': 768}
# class of the backbone; published name of a member, with its dimensions d
_FAMILIES: dict[str, tuple[str, dict[str, int]]] = {
    'ResNet': ('resnet{}', _DEPTHS),
    'ResNetIBN': ('resnet{}_ibn', _DEPTHS),
    'GhostNet': ('ghostnet_{}', {'0_5': 1280, '1_0': 1280, '1_3': 1280}),
    'EdgeNeXt': ('edgenext_{}', {'x_small': 192, 'small': 304, 'base': 584}),
    'RepViT': ('repvit_{}', {'m0_9': 384, 'm1_0': 448, 'm1_5': 512}),
    'FastViT': ('fastvit_{}', {'s12': 1024, 'sa12': 1024, 'sa24': 1024}),
    'ConvNeXt': ('convnext_{}', {'tiny': 768, 'small': 768, 'base': 1024}),
    'VOLO': ('volo_{}', {'d1': 384, 'd2': 512, 'd3': 512}),
    'VisionTransformerICS': ('vit_{}', _WIDTHS),
    'SwinTransformer': ('swin_{}', {'tiny': 768, 'small': 768, 'base': 1024}),
}
# Structures that other projects publish weights of, for their converters: our
# name; class of the backbone, its arch and its dimensions d.
_PLAIN_VIT, _PLAIN_SWIN = 'PlainVisionTransformer', 'PlainSwinTransformer'
_PADDED_SWIN, _SOLIDER = 'PaddedSwinTransformer', 'SemanticSwinTransformer'
_OTHERS: dict[str, tuple[str, str, int]] = {
    'plain_vit_tiny': (_PLAIN_VIT, 'vit_tiny_patch16_224', 192),
    'plain_vit_small': (_PLAIN_VIT, 'vit_small_patch16_224', 384),
    'plain_vit_base': (_PLAIN_VIT, 'vit_base_patch16_224', 768),
    'dinov2_small': (_PLAIN_VIT, 'vit_small_patch14_dinov2', 384),
    'dinov2_base': (_PLAIN_VIT, 'vit_base_patch14_dinov2', 768),
    'dinov3_small': (_PLAIN_VIT, 'vit_small_patch16_dinov3', 384),
    'dinov3_base': (_PLAIN_VIT, 'vit_base_patch16_dinov3', 768),
    'plain_swin_tiny': (_PLAIN_SWIN, 'tiny', 768),
    'plain_swin_small': (_PLAIN_SWIN, 'small', 768),
    'plain_swin_base': (_PLAIN_SWIN, 'base', 1024),
    'padded_swin_tiny': (_PADDED_SWIN, 'tiny', 768),
    'padded_swin_small': (_PADDED_SWIN, 'small', 768),
    'padded_swin_base': (_PADDED_SWIN, 'base', 1024),
    'solider_swin_tiny': (_SOLIDER, 'tiny', 768),
    'solider_swin_small': (_SOLIDER, 'small', 768),
    'solider_swin_base': (_SOLIDER, 'base', 1024),
}
# other spellings, after lower case and underscores
_ALIASES = (
    (r'_ibn_a$', '_ibn'),
    (r'_(?:p|patch)16$', ''),
    (r'^(ghostnet_.*)x$', r'\1'),
    (r'^edgenext_(?:xs|xsmall)$', 'edgenext_x_small'),
    (r'^((?:convnext|vit|swin)_)t$', r'\1tiny'),
    (r'^((?:convnext|edgenext|vit|swin)_)s$', r'\1small'),
    (r'^((?:convnext|edgenext|vit|swin)_)b$', r'\1base'),
)


@dataclass(frozen=True)
class Architecture:
    """One architecture of the zoo.

    Attributes:
        name: Published spelling.
        backbone: Config of the backbone.
        num_features: Dimensions d of the pooled feature.
    """

    name: str
    backbone: dict[str, Any]
    num_features: int

    @property
    def family(self) -> str:
        """Name of the backbone's class, such as ``'ResNetIBN'``."""
        return self.backbone['type'].removeprefix('mmcion.')


@cache
def _architectures() -> dict[str, Architecture]:
    table = {}
    for family, (pattern, members) in _FAMILIES.items():
        for member, num_features in members.items():
            name = pattern.format(member)
            resnet = family.startswith('ResNet')
            which = {'depth': int(member)} if resnet else {'arch': member}
            backbone = {'type': f'mmcion.{family}', **which}
            table[name] = Architecture(name, backbone, num_features)
    for name, (family, arch, num_features) in _OTHERS.items():
        backbone = {'type': f'mmcion.{family}', 'arch': arch}
        if name.startswith('plain_vit'):
            backbone['img_size'] = [256, 128]
        table[name] = Architecture(name, backbone, num_features)
    return table


def list_architectures(*, others: bool = False) -> list[str]:
    """Return the 32 published names, family by family.

    Args:
        others: Whether to add those that only converters know.
    """
    return [name for name in _architectures() if others or name not in _OTHERS]


def get_architecture(name: str) -> Architecture:
    """Look up an architecture.

    Args:
        name: Published spelling such as ``resnet50_ibn`` or ``vit_small``.
            Hyphens, capitals and short forms (``resnet50-ibn-a``,
            ``vit_small_p16``, ``swin-t``, ``ghostnet_0.5x``) are understood.
    """
    table = _architectures()
    key = re.sub(r'[-. ]', '_', name.strip().lower())
    for pattern, spelling in _ALIASES:
        key = re.sub(pattern, spelling, key)
    if key not in table:
        known = ', '.join(list_architectures())
        raise UserError(
            f'there is no architecture {name!r}{suggest(key, table)}. All '
            f'are: {known}.'
        )
    return deepcopy(table[key])


def find_architecture(backbone: Mapping[str, Any]) -> str | None:
    """Return the name of a backbone config, None if it has none.

    Options that leave the tensors alone, such as a drop path ratio, may stand
    beside those of the architecture.
    """
    kind = str(backbone['type']).removeprefix('mmcion.')
    own = {**backbone, 'type': f'mmcion.{kind}'}
    for name, known in _architectures().items():
        if all(own.get(key) == val for key, val in known.backbone.items()):
            return name
    return None


def build_backbone(name: str) -> nn.Module:
    """Build the backbone of an architecture, freshly initialised."""
    return MODELS.build(get_architecture(name).backbone)


@cache
def backbone_shapes(name: str) -> dict[str, torch.Size]:
    """Return the shapes of a backbone's tensors by name."""
    # On the meta device nothing is computed. mmpretrain's ResNet reads
    # numbers while it is built, so it needs a real one.
    device = 'cpu' if name.startswith('resnet') else 'meta'
    with torch.random.fork_rng(devices=[]), torch.device(device):
        state = build_backbone(name).state_dict()
    return {key: tensor.shape for key, tensor in state.items()}
