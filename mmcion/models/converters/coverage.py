"""How much of a backbone a checkpoint's weights cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

import torch
from torch import Tensor

from mmcion.models.utils.weight_io import first_names
from mmcion.models.zoo import build_backbone, get_architecture


@dataclass
class Coverage:
    """What became of the tensors of a backbone.

    Attributes:
        arch: name of the architecture.
        found: names that came from the checkpoint.
        missing: names that the checkpoint lacks.
        reshaped: names whose shapes differ, with both shapes.
        unknown: names of the checkpoint that the backbone does not have.
    """

    arch: str
    found: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    reshaped: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Share of the backbone's tensors that were found, in [0, 1]."""
        total = len(self.found) + len(self.missing) + len(self.reshaped)
        return len(self.found) / total

    def __str__(self) -> str:
        parts = [
            f'{len(names)} {what} ({first_names(names)})'
            for what, names in (
                ('are missing', self.missing),
                ('have another shape', self.reshaped),
                ('are not known', self.unknown),
            )
            if names
        ]
        return (
            f'{self.share:.1%} of the {self.arch} backbone was found: '
            f'{"; ".join([f"{len(self.found)} tensors", *parts])}'
        )


def cover_backbone(
    tensors: Mapping[str, Tensor], arch: str, *, allow_partial: bool = False
) -> tuple[dict[str, Tensor], Coverage]:
    """Make whole weights of a backbone of what a checkpoint has of them.

    Args:
        tensors: by our names.
        arch: name of the architecture, see ``get_architecture``.
        allow_partial: initialise what is missing or has another shape, with
            the same numbers every time.

    Returns:
        State dict for ``build_backbone(arch)``, and the report.

    Raises:
        ValueError: if tensors are missing or have another shape, unless
            ``allow_partial``; if none fit or some are not known, always: the
            structure is then another.
    """
    report = Coverage(get_architecture(arch).name)
    shapes = _shapes(report.arch)
    state = {}
    for name, shape in shapes.items():
        # a counter that older checkpoints do not have
        if name.endswith('num_batches_tracked'):
            state[name] = tensors.get(name, torch.tensor(0))
        elif name not in tensors:
            report.missing.append(name)
        elif tensors[name].shape != shape:
            sizes = f'{tuple(tensors[name].shape)} not {tuple(shape)}'
            report.reshaped.append(f'{name} {sizes}')
        else:
            state[name] = tensors[name]
    report.found = list(state)
    report.unknown = [name for name in tensors if name not in shapes]
    nothing = not state.keys() & tensors.keys()
    incomplete = report.missing or report.reshaped
    if report.unknown or nothing or (incomplete and not allow_partial):
        raise ValueError(_complaint(report, nothing))
    if incomplete:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            state = {**build_backbone(arch).state_dict(), **state}
    return state, report


def matches(tensors: Mapping[str, Tensor], arch: str) -> bool:
    """Tell whether tensors are exactly those of a backbone of ours.

    Args:
        tensors: by our names.
        arch: published spelling.
    """
    # cheap to see, and ResNets are slow to build
    if arch.startswith('resnet') != ('layer1.0.conv1.weight' in tensors):
        return False
    shapes = _shapes(arch)
    found = {name: tensor.shape for name, tensor in tensors.items()}
    return found == {
        name: shape
        for name, shape in shapes.items()
        if name in found or not name.endswith('num_batches_tracked')
    }


@cache
def _shapes(name: str) -> dict[str, torch.Size]:
    # mmpretrain's ResNet reads numbers while it is built
    device = 'cpu' if name.startswith('resnet') else 'meta'
    with torch.random.fork_rng(devices=[]), torch.device(device):
        state = build_backbone(name).state_dict()
    return {key: tensor.shape for key, tensor in state.items()}


def _complaint(report: Coverage, nothing: bool) -> str:
    """Say what is amiss, why that may be and what to do."""
    text = f'{report}.'
    tables = [name for name in report.reshaped if 'pos_embed ' in name]
    if tables:
        text += (
            f' The position table is made for images of another size: '
            f'{tables[0]}.'
        )
    if report.unknown or nothing:
        return f'{text} The checkpoint is of another structure.'
    return (
        f'{text} Is it of another architecture? If it should be a start '
        f'only, --allow-partial draws the rest at random.'
    )
