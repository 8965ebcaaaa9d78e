"""Read backbone weights from checkpoints of many origins, safely."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from torch import Tensor, nn

from mmcion.utils.compat import load_checkpoint_safely

# Where checkpoints keep their weights: ours and mmengine's, CION's, others'.
_CONTAINERS = ('state_dict', 'model')
_SOURCE_PREFIXES = ('{source}.module.backbone.', '{source}.backbone.')
_PREFIXES = (
    'module.backbone.',
    'backbone.',
    'module.base.',
    'base.',
    'module.',
    '',
)
# what no feature passes
_CLASSIFIER = re.compile(r'(?:^|\.)(?:fc|head|classifier)\.')


@dataclass(frozen=True)
class LoadReport:
    """What became of a checkpoint's weights.

    Attributes:
        prefix: which keys were taken, the rest of them being the names.
        loaded: names that were loaded.
        missing: names that the backbone has and the checkpoint lacks.
        mismatched: names whose shapes differ.
        unknown: names that the checkpoint has and the backbone lacks, but
            for classifiers.
    """

    prefix: str
    loaded: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        """Share of the backbone's tensors that were loaded, in [0, 1]."""
        total = len(self.loaded) + len(self.missing) + len(self.mismatched)
        return len(self.loaded) / max(total, 1)


def load_backbone(
    backbone: nn.Module,
    checkpoint: str | Path,
    *,
    source: str = 'teacher',
    min_coverage: float = 1.0,
) -> LoadReport:
    """Load the backbone part of a checkpoint, and say how much was found.

    Understands checkpoints of this toolbox (``teacher.backbone.*``,
    ``student.backbone.*``, ``backbone.*``), CION's released ones
    (``{'teacher': {'module.backbone.*': ...}}``) and bare state dicts.

    Args:
        backbone: filled in place.
        checkpoint: file; loaded without running code from it.
        source: ``'teacher'`` or ``'student'``, where both are present.
        min_coverage: smallest share of the backbone's tensors to accept;
            below 1, tensors that the backbone does not know are left out.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if less than ``min_coverage`` fits, or the checkpoint is
            of a larger backbone; lists what is amiss.
    """
    prefix, state = backbone_tensors(
        load_checkpoint_safely(checkpoint), (source,)
    )
    wanted = backbone.state_dict()
    report = LoadReport(prefix)
    for name, tensor in wanted.items():
        found = state.get(name)
        if found is None and name.endswith('num_batches_tracked'):
            continue  # a counter that older checkpoints do not have
        if found is None:
            report.missing.append(name)
        elif found.shape != tensor.shape:
            report.mismatched.append(name)
        else:
            report.loaded.append(name)
    for name in state:
        if name not in wanted and not _CLASSIFIER.search(name):
            report.unknown.append(name)
    larger = report.unknown and min_coverage == 1
    if report.coverage < min_coverage or larger:
        raise ValueError(_complaint(checkpoint, report, list(state)))
    backbone.load_state_dict(
        {name: state[name] for name in report.loaded}, strict=False
    )
    print_log(
        f'{checkpoint}: loaded {report.coverage:.1%} of the backbone '
        f'({len(report.loaded)} tensors under {prefix!r})',
        logger='current',
    )
    return report


def backbone_tensors(
    checkpoint: Any, sources: Sequence[str]
) -> tuple[str, dict[str, Tensor]]:
    """Return the backbone's part of a checkpoint, and the prefix it had.

    Args:
        checkpoint: as loaded; of any of the origins of ``load_backbone``.
        sources: ``'teacher'`` and ``'student'``, the preferred one first.

    Raises:
        ValueError: if the checkpoint is no dictionary.
    """
    if isinstance(checkpoint, Mapping):
        for key in (*sources, *_CONTAINERS):
            if isinstance(checkpoint.get(key), Mapping):
                checkpoint = checkpoint[key]
                break
    if not isinstance(checkpoint, Mapping):
        raise ValueError(
            f'a checkpoint must hold a dictionary of tensors; this one holds '
            f'a {type(checkpoint).__name__}.'
        )
    prefixes = [
        prefix.format(source=source)
        for source in sources
        for prefix in _SOURCE_PREFIXES
    ]
    prefix = next(
        prefix
        for prefix in (*prefixes, *_PREFIXES)
        if any(name.startswith(prefix) for name in checkpoint) or not prefix
    )
    return prefix, {
        name.removeprefix(prefix): tensor
        for name, tensor in checkpoint.items()
        if name.startswith(prefix) and isinstance(tensor, Tensor)
    }


def _complaint(
    checkpoint: str | Path, report: LoadReport, keys: list[str]
) -> str:
    return (
        f'{checkpoint} fits {report.coverage:.1%} of the backbone: '
        f'{len(report.missing)} tensors are missing '
        f'({", ".join(report.missing[:3])}, ...), {len(report.mismatched)} '
        f'have another shape ({", ".join(report.mismatched[:3])}), and '
        f'{len(report.unknown)} are not known '
        f'({", ".join(report.unknown[:3])}). It holds {len(keys)} tensors '
        f'such as {", ".join(keys[:3])}. Is it of another architecture? A '
        f'lower min_coverage accepts it.'
    )
