"""Convert a checkpoint of another project to a model file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmcion.models.architectures import (
    backbone_shapes,
    build_backbone,
    get_architecture,
)
from mmcion.utils.checks import UserError, name_in_errors
from mmcion.utils.io import hash_file
from mmcion.utils.read_checkpoint import read_checkpoint

from .match import MatchReport, match
from .model_file import save_model_file
from .model_spec import ModelSpec
from .select import WHOLE_PREFIXES, select
from .sources import Source, find_source, foreign_structure


def convert_file(
    checkpoint: str | Path,
    out: str | Path,
    source: str,
    *,
    arch: str | None = None,
    role: str | None = None,
    allow_partial: bool = False,
    add_hash: bool = False,
    **images: Any,
) -> tuple[Path, MatchReport]:
    """Convert a checkpoint and write the model file.

    Args:
        checkpoint: File, read without running code from it.
        out: Model file to write.
        source: One of ``SOURCES``.
        arch: See ``convert_weights``.
        role: See ``select``.
        allow_partial: See ``convert_weights``.
        add_hash: See ``save_model_file``.
        images: ``input_size``, ``mean`` and ``std`` of ``ModelSpec``; None
            for those in the checkpoint, or else of its source.

    Returns:
        Path of the model file, and how the checkpoint matched the backbone.
    """
    entry = find_source(source)
    content = read_checkpoint(checkpoint)
    with name_in_errors(checkpoint):
        state, report = convert_weights(
            content, source, arch=arch, role=role, allow_partial=allow_partial
        )
        # fast-reid's are in the file, of images in [0, 255]
        model = content.get('model')
        own = {
            name: (model[f'pixel_{name}'] / 255).flatten().tolist()
            for name in ('mean', 'std')
            if isinstance(model, Mapping) and f'pixel_{name}' in model
        }
        given = {key: val for key, val in images.items() if val is not None}
        known = {**own, **given}
        # one of the source's beside one of its own would be a guess
        missing = {'mean', 'std'} - known.keys()
        if own and missing:
            (has,), (name,) = own, missing
            raise UserError(
                f'it has pixel_{has}, but no pixel_{name}; give --{name}.'
            )
    notes: dict[str, Any] = {'remark': entry.remark} if entry.remark else {}
    if not report.fits:
        notes['random'] = report.missing + report.reshaped
    spec = ModelSpec.from_architecture(
        report.name,
        **{'mean': entry.mean, 'std': entry.std, **known},
        source=f'{entry.title}, {Path(checkpoint).name}',
        source_sha256=hash_file(checkpoint),
        notes=notes,
    )
    path = save_model_file(
        out, state, spec, source_file=checkpoint, add_hash=add_hash
    )
    return path, report


def convert_weights(
    checkpoint: Any,
    source: str,
    *,
    arch: str | None = None,
    role: str | None = None,
    allow_partial: bool = False,
) -> tuple[dict[str, Tensor], MatchReport]:
    """Rename the weights of a checkpoint to those of our backbone.

    Args:
        checkpoint: Content of a file, in whatever ``select`` understands.
        source: One of ``SOURCES``.
        arch: Name of the architecture, in any spelling; recognised if None.
        role: See ``select``.
        allow_partial: Whether to initialise tensors that are missing or of
            another shape, always with the same numbers; needs ``arch``.

    Returns:
        State dict for ``build_backbone(arch)``, and the report, whose name is
        the architecture.

    Raises:
        UserError: If the source or its structure cannot be converted, or the
            weights do not fit.
    """
    entry = find_source(source)
    chosen = select(checkpoint, role=role)
    # no source's own names begin so
    for prefix in WHOLE_PREFIXES:
        if (inner := chosen.without(prefix)).tensors:
            chosen = inner
    tensors = chosen.tensors
    # one network of several; others may have taken it out already
    tensors = {
        name.removeprefix(entry.part): tensor
        for name, tensor in tensors.items()
        if name.startswith(entry.part)
    } or tensors
    # before names are compared: an extra module may leave all others alone
    if trait := foreign_structure(tensors, entry.families):
        raise UserError(f'it cannot be converted: {trait}.')
    if arch is not None:
        known = get_architecture(arch)
        if known.family not in entry.families:
            reason = entry.differing.get(known.family, 'it has other names')
            raise UserError(
                f'{known.name} of {entry.title} cannot be converted: {reason}.'
            )
        candidates = [known.name]
    else:
        candidates = entry.candidates(tensors)
    best = _best_match(tensors, entry, candidates)
    # an architecture that was not named must fit exactly
    if best is None or (arch is None and not best[1].fits):
        nearest = f' The nearest: {best[1]}' if best else ''
        text = f'its architecture was not recognised among {entry.title}'
        raise UserError(f'{text}; name it with --arch.{nearest}')
    renamed, report = best
    family = get_architecture(report.name).family
    ours = entry.our_names(tensors, family)
    used = {name for name in ours if ours[name] in report.found}
    # by their names in the file, before the prefix of its part
    used |= {entry.part + name for name in used}
    used = {chosen.file_names[n] for n in used & chosen.file_names.keys()}
    unused = [name for name in chosen.given if name not in used]
    report = replace(report, unused=unused)
    state = report.take(renamed)
    if report.fits:
        return state, report
    if report.unexpected or not (allow_partial and report.found):
        raise UserError(f'{report} {_advice(tensors, entry, report)}')
    # a fixed seed, so that equal checkpoints become equal model files
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return {**build_backbone(report.name).state_dict(), **state}, report


def _best_match(
    tensors: Mapping[str, Tensor], source: Source, candidates: Iterable[str]
) -> tuple[dict[str, Tensor], MatchReport] | None:
    """Return the renamed tensors and report of the best architecture."""
    matches = []
    for arch in candidates:
        family = get_architecture(arch).family
        renamed = source.rename(tensors, family)
        report = match(backbone_shapes(arch), renamed, name=arch)
        matches.append((renamed, report))
        if report.fits:  # the larger ones are slow to build
            break
    return max(matches, key=lambda each: each[1].agreement, default=None)


def _advice(
    tensors: Mapping[str, Tensor], source: Source, report: MatchReport
) -> str:
    """Return a hint about weights that do not fit an architecture."""
    best = _best_match(tensors, source, source.candidates(tensors))
    if best is not None and best[1].agreement > report.agreement:
        return (
            f'It looks like {best[1].name} ({best[1].agreement:.0%} of the '
            f'tensors agree).'
        )
    if report.unexpected or not report.found:
        return 'The checkpoint has another structure.'
    return (
        'If it should be a start only, --allow-partial initialises the rest '
        'at random.'
    )
