"""Weights of ReIDZoo, CION's released models, for our backbones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from mmcion.models.utils.weight_io import backbone_tensors, first_names
from mmcion.models.zoo import (
    build_backbone,
    get_architecture,
    list_architectures,
)

from .key_rules import detect_family, renaming

# classifiers that no feature passes, and a table that follows from the window
_UNUSED = re.compile(r'^(?:fc|head)\.|\.relative_position_index$')


def convert_reidzoo(
    state_dict: Mapping[str, Any], arch: str
) -> dict[str, Tensor]:
    """Rename the weights of a ReIDZoo backbone to those of ours.

    Args:
        state_dict: a bare backbone, or a whole checkpoint, of which the
            teacher is taken, or the student where there is none.
        arch: name of the architecture, see ``get_architecture``.

    Returns:
        State dict for ``build_backbone(arch)``, complete.

    Raises:
        ValueError: if a tensor is missing, too many or of another shape, or
            for an unknown ``arch``; says which, and what architecture the
            names look like.
    """
    name = get_architecture(arch).name
    _, tensors = backbone_tensors(state_dict, ('teacher', 'student'))
    converted = _renamed(tensors, _family(name))
    shapes = _shapes(name)
    for key in shapes:
        # a counter that older checkpoints do not have
        if key.endswith('num_batches_tracked'):
            converted.setdefault(key, torch.tensor(0))
    problems = {
        'are missing': [key for key in shapes if key not in converted],
        'are not known': [key for key in converted if key not in shapes],
        'have another shape': [
            f'{key} {tuple(tensor.shape)} instead of {tuple(shapes[key])}'
            for key, tensor in converted.items()
            if key in shapes and tensor.shape != shapes[key]
        ],
    }
    if any(problems.values()):
        raise ValueError(_complaint(name, tensors, problems))
    return converted


def _family(name: str) -> str:
    """Return the type of the backbone of an architecture."""
    return get_architecture(name).backbone['type'].removeprefix('mmcion.')


def _renamed(tensors: dict[str, Tensor], family: str) -> dict[str, Tensor]:
    """Return the tensors of a backbone that we need by our names."""
    used = [name for name in tensors if not _UNUSED.search(name)]
    return {new: tensors[old] for old, new in renaming(used, family).items()}


@cache
def _shapes(name: str) -> dict[str, torch.Size]:
    """Return what our backbone of an architecture consists of."""
    with torch.random.fork_rng(devices=[]):  # building it draws numbers
        state = build_backbone(name).state_dict()
    return {key: tensor.shape for key, tensor in state.items()}


def _complaint(
    name: str, tensors: dict[str, Tensor], problems: dict[str, list[str]]
) -> str:
    """Say what is amiss, and what the checkpoint may be instead."""
    parts = [
        f'{len(keys)} {what} ({first_names(keys)})'
        for what, keys in problems.items()
        if keys
    ]
    some = ', '.join(list(tensors)[:3]) or 'none'
    looks_like = _resembling(tensors)
    hint = (
        f'It looks like {looks_like}.'
        if looks_like
        else 'It looks like none of the architectures of ReIDZoo.'
    )
    return (
        f'these are not the weights of {name}: of its {len(_shapes(name))} '
        f'tensors, {"; ".join(parts)}. The checkpoint has a backbone of '
        f'{len(tensors)} tensors such as {some}. {hint}'
    )


def _resembling(tensors: dict[str, Tensor]) -> str | None:
    """Return the architecture that most names and shapes agree with."""
    family = detect_family(tensors)
    if family is None:
        return None
    renamed = _renamed(tensors, family)
    found = {(key, tensor.shape) for key, tensor in renamed.items()}
    scores = {
        name: len(found & set(_shapes(name).items()))
        / max(len(_shapes(name)), len(found))
        for name in list_architectures()
        if _family(name) == family
    }
    best = max(scores, key=lambda name: scores[name])
    return f'{best} ({scores[best]:.0%} of its tensors agree)'
