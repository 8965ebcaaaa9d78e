"""The 32 architectures of ReIDZoo by their published names."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from torch import nn

from mmcion.registry import MODELS

# class of the backbone; published name of a member, with its dimensions d
_FAMILIES: dict[str, tuple[str, dict[str, int]]] = {
    'ResNet': ('resnet{}', {'18': 512, '50': 2048, '101': 2048, '152': 2048}),
    'ResNetIBN': (
        'resnet{}_ibn',
        {'18': 512, '50': 2048, '101': 2048, '152': 2048},
    ),
    'GhostNet': ('ghostnet_{}', {'0_5': 1280, '1_0': 1280, '1_3': 1280}),
    'EdgeNeXt': ('edgenext_{}', {'x_small': 192, 'small': 304, 'base': 584}),
    'RepViT': ('repvit_{}', {'m0_9': 384, 'm1_0': 448, 'm1_5': 512}),
    'FastViT': ('fastvit_{}', {'s12': 1024, 'sa12': 1024, 'sa24': 1024}),
    'ConvNeXt': ('convnext_{}', {'tiny': 768, 'small': 768, 'base': 1024}),
    'VOLO': ('volo_{}', {'d1': 384, 'd2': 512, 'd3': 512}),
    'VisionTransformerICS': (
        'vit_{}',
        {'tiny': 192, 'small': 384, 'base': 768},
    ),
    'SwinTransformer': ('swin_{}', {'tiny': 768, 'small': 768, 'base': 1024}),
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
        name: published spelling.
        backbone: config of the backbone.
        num_features: dimensions d of the pooled feature.
    """

    name: str
    backbone: dict[str, Any]
    num_features: int


def _table() -> dict[str, Architecture]:
    table = {}
    for kind, (pattern, members) in _FAMILIES.items():
        for member, num_features in members.items():
            name = pattern.format(member)
            which: dict[str, Any] = (
                {'depth': int(member)}
                if kind.startswith('ResNet')
                else {'arch': member}
            )
            backbone = {'type': f'mmcion.{kind}', **which}
            table[name] = Architecture(name, backbone, num_features)
    return table


_ARCHITECTURES = _table()


def list_architectures() -> list[str]:
    """Return the 32 published names, family by family."""
    return list(_ARCHITECTURES)


def get_architecture(name: str) -> Architecture:
    """Look up an architecture.

    Args:
        name: published spelling such as ``resnet50_ibn`` or ``vit_small``;
            hyphens, capitals and short forms (``resnet50-ibn-a``,
            ``vit_small_p16``, ``swin-t``, ``ghostnet_0.5x``) will do.

    Raises:
        ValueError: for an unknown name; lists similar ones.
    """
    key = re.sub(r'[-. ]', '_', name.strip().lower())
    for pattern, spelling in _ALIASES:
        key = re.sub(pattern, spelling, key)
    if key not in _ARCHITECTURES:
        close = get_close_matches(key, _ARCHITECTURES, n=5, cutoff=0.4)
        raise ValueError(
            f'there is no architecture {name!r}; '
            + (f'did you mean {", ".join(close)}? ' if close else '')
            + f'All are: {", ".join(_ARCHITECTURES)}'
        )
    return deepcopy(_ARCHITECTURES[key])


def build_backbone(name: str) -> nn.Module:
    """Build the backbone of an architecture, freshly initialised.

    Raises:
        ValueError: see ``get_architecture``.
    """
    return MODELS.build(get_architecture(name).backbone)
