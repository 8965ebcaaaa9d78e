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
_ROLES = ('teacher', 'student')
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
    if not isinstance(checkpoint, Mapping):
        raise ValueError(
            f'a checkpoint must hold a dictionary of tensors; this one holds '
            f'a {type(checkpoint).__name__}.'
        )
    state = _inside(checkpoint, (*sources, *_CONTAINERS))
    prefixes = [p for source in sources for p in _prefixes(source)]
    prefix = next(
        prefix
        for prefix in (*prefixes, *_PREFIXES)
        if any(name.startswith(prefix) for name in state) or not prefix
    )
    return prefix, {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix) and isinstance(tensor, Tensor)
    }


def find_role(checkpoint: Any, role: str | None) -> str | None:
    """Return which of teacher and student to take from a checkpoint.

    Args:
        checkpoint: as loaded.
        role: the one that is wanted; the teacher where there is one if None.

    Returns:
        None where the checkpoint has neither.

    Raises:
        ValueError: if it has only the other one.
    """
    if not isinstance(checkpoint, Mapping):
        return None
    state = _inside(checkpoint, _CONTAINERS)
    has = [
        known
        for known in _ROLES
        if isinstance(checkpoint.get(known), Mapping)
        or any(name.startswith(_prefixes(known)) for name in state)
    ]
    if has and role and role not in has:
        raise ValueError(f'it has no {role}, but a {has[0]}.')
    return (role or has[0]) if has else None


def first_names(names: Sequence[str]) -> str:
    """Return the first three names of a list for a message."""
    return ', '.join(names[:3]) + (', ...' if len(names) > 3 else '')


def _inside(checkpoint: Mapping, keys: Sequence[str]) -> dict[str, Any]:
    """Return what has a name, in the first of some containers there is."""
    found = (checkpoint[k] for k in keys if k in checkpoint)
    state = next((v for v in found if isinstance(v, Mapping)), checkpoint)
    return {k: v for k, v in state.items() if isinstance(k, str)}


def _prefixes(source: str) -> tuple[str, ...]:
    return tuple(prefix.format(source=source) for prefix in _SOURCE_PREFIXES)


def _complaint(
    checkpoint: str | Path, report: LoadReport, keys: list[str]
) -> str:
    amiss = [
        f'{len(names)} tensors {what} ({first_names(names)})'
        for what, names in (
            ('are missing', report.missing),
            ('have another shape', report.mismatched),
            ('are not known', report.unknown),
        )
        if names
    ]
    such = f' such as {", ".join(keys[:3])}' if keys else ''
    return (
        f'{checkpoint} fits {report.coverage:.1%} of the backbone: '
        f'{", ".join(amiss)}. It holds {len(keys)} tensors{such}. Is it of '
        f'another architecture? If a part will do, '
        f'load_backbone(min_coverage=...) accepts it.'
    )
