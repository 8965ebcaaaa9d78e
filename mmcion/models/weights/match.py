"""Decide whether weights fit a network, and say what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mmcion.utils.checks import join_names

# Last layers that no feature passes; other projects leave them in. Only at the
# top: `layer1.0.se.fc.0` is a part of the backbone.
_CLASSIFIER = re.compile(r'(?:model\.)?(?:fc|head|classifier)\.')
# a counter of BatchNorm that checkpoints before PyTorch 0.4.1 do not have
_COUNTER = 'num_batches_tracked'


@dataclass(frozen=True)
class MatchReport:
    """How the tensors of a checkpoint match those of a network.

    Its text is what every tool says about weights that do not fit.

    Attributes:
        name: Network that was compared, such as ``'resnet50_ibn'``.
        found: Names in the network whose tensors the checkpoint has.
        missing: Names that the checkpoint does not have.
        reshaped: Names with another shape, each followed by both shapes.
        unexpected: Names in the checkpoint that the network does not have.
        given: Names of all tensors in the checkpoint.
        counters: Names of counters that an old checkpoint does not have.
        hint: Where the weights may be from, and what to do.
        unused: Names in the checkpoint that were left out, as they are there.
        file: File of the weights.
        fingerprint: What the file says of its training; None if nothing.
    """

    name: str
    found: list[str]
    missing: list[str]
    reshaped: list[str]
    unexpected: list[str]
    given: list[str]
    counters: list[str] = field(default_factory=list)
    hint: str = ''
    unused: list[str] = field(default_factory=list)
    file: str = ''
    fingerprint: dict[str, Any] | None = None

    @property
    def coverage(self) -> float:
        """Ratio of the network's tensors that were found, in [0, 1]."""
        total = len(self.found) + len(self.missing) + len(self.reshaped)
        # a network without tensors is covered by anything
        return len(self.found) / total if total else 1.0

    @property
    def agreement(self) -> float:
        """Ratio of all names, of either side, that agree; in [0, 1]."""
        differ = [*self.missing, *self.reshaped, *self.unexpected]
        return len(self.found) / max(len(self.found) + len(differ), 1)

    @property
    def fits(self) -> bool:
        """Whether these are exactly the network's tensors."""
        return not (self.missing or self.reshaped or self.unexpected)

    def take(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the tensors that were found, counters of old files as 0."""
        taken = {name: tensors[name] for name in self.found}
        return {**taken, **dict.fromkeys(self.counters, torch.tensor(0))}

    def __str__(self) -> str:
        text = f'{self.coverage:.1%} of {self.name}: {len(self.found)} tensors'
        text += ' found'
        for what, names in (
            ('missing', self.missing),
            ('of another shape', self.reshaped),
            ('unexpected', self.unexpected),
            ('left out', self.unused),
        ):
            if names:
                text += f', {len(names)} {what} ({join_names(names, 3)})'
        if self.fits:
            return text
        text += f'. The checkpoint has {len(self.given)} tensors'
        if self.given:
            text += f' such as {join_names(self.given, 3)}'
        return f'{text}. {self.hint}'.rstrip()


def match(
    network: nn.Module | Mapping[str, torch.Size],
    tensors: Mapping[str, Tensor],
    *,
    name: str,
    hint: str = '',
) -> MatchReport:
    """Compare tensors with those of a network, by name and shape.

    Classifiers that the network does not have are ignored, and so is a
    missing ``num_batches_tracked``. ``network`` may be the shapes of its
    tensors by name; ``name`` and ``hint`` are for the report.
    """
    if isinstance(network, nn.Module):
        network = {
            key: tensor.shape for key, tensor in network.state_dict().items()
        }
    absent = [key for key in network if key not in tensors]
    counters = [key for key in absent if key.endswith(_COUNTER)]
    reshaped = {
        key: f'{key} {tuple(tensors[key].shape)}, not {tuple(shape)}'
        for key, shape in network.items()
        if key in tensors and tensors[key].shape != shape
    }
    # the usual reason for a single tensor of another shape
    tables = [text for key, text in reshaped.items() if 'pos_embed' in key]
    if tables:
        hint = (
            f'The position table is for images of another size: {tables[0]}.'
        )
    return MatchReport(
        name,
        [key for key in network if key in tensors and key not in reshaped],
        [key for key in absent if key not in counters],
        list(reshaped.values()),
        [k for k in tensors if k not in network and not _CLASSIFIER.match(k)],
        given=list(tensors),
        counters=counters,
        hint=hint,
    )
