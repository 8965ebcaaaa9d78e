"""Make a model file of a checkpoint of another source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from mmcion.models.utils.model_file import read_checkpoint, save_model_file
from mmcion.models.utils.weight_io import backbone_tensors, find_role
from mmcion.models.zoo import get_architecture, list_architectures
from mmcion.utils.io import hash_file

from .coverage import Coverage, cover_backbone, matches
from .key_rules import detect_family
from .sources import Source, find_source, refuse_structure


@dataclass(frozen=True)
class Conversion:
    """What came of a file.

    Attributes:
        path: of the model file.
        coverage: what the checkpoint had of the backbone.
        remark: what differs though the weights do not show it.
    """

    path: Path
    coverage: Coverage
    remark: str


def convert_file(
    checkpoint: str | Path,
    out: str | Path,
    source: str,
    *,
    arch: str | None = None,
    role: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    input_size: tuple[int, int] = (256, 128),
    allow_partial: bool = False,
    add_hash: bool = False,
) -> Conversion:
    """Convert a checkpoint and write the model file.

    Args:
        checkpoint: file; read without running code from it.
        out: model file to write, see ``save_model_file``.
        source: one of ``SOURCES``.
        arch: name of the architecture; recognised if None.
        role: ``'teacher'`` or ``'student'``; the teacher where there is one
            if None.
        mean: per channel, of RGB images in [0, 1]; what the checkpoint says,
            or else its source's, if None.
        std: per channel, likewise.
        input_size: height and width in pixels.
        allow_partial: see ``cover_backbone``.
        add_hash: see ``save_model_file``.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        ValueError: if it is damaged, would run code, does not fit, or is
            the model file to write.
    """
    entry = find_source(source)
    content = _read(checkpoint)
    try:
        state, coverage = convert_weights(
            content,
            source,
            arch=arch,
            role=role,
            allow_partial=allow_partial,
        )
        if mean is None:
            mean = _statistic('mean', content, entry)
        if std is None:
            std = _statistic('std', content, entry)
    except ValueError as error:
        raise ValueError(f'{checkpoint}: {error}') from error
    extra: dict[str, Any] = {'remark': entry.remark} if entry.remark else {}
    if drawn := coverage.missing + coverage.reshaped:
        extra['drawn_at_random'] = drawn
    path = save_model_file(
        out,
        state,
        arch=coverage.arch,
        source=f'{entry.title}, {Path(checkpoint).name}',
        source_sha256=hash_file(checkpoint),
        source_file=checkpoint,
        input_size=input_size,
        mean=mean,
        std=std,
        extra=extra,
        add_hash=add_hash,
    )
    return Conversion(path, coverage, entry.remark)


def convert_weights(
    checkpoint: Any,
    source: str,
    *,
    arch: str | None = None,
    role: str | None = None,
    allow_partial: bool = False,
) -> tuple[dict[str, Tensor], Coverage]:
    """Rename the weights of a checkpoint to those of our backbone.

    Args:
        checkpoint: as loaded; bare, or in the containers of its source.
        source: one of ``SOURCES``.
        arch: see ``convert_file``.
        role: see ``convert_file``.
        allow_partial: see ``cover_backbone``.

    Returns:
        State dict for ``build_backbone(arch)``, and the report.

    Raises:
        ValueError: if the source or its structure is not convertible, or the
            weights do not fit.
    """
    entry = find_source(source)
    tensors = _tensors(checkpoint, entry.part, role)
    refuse_structure(tensors)
    arch = arch or _recognise(tensors, entry)
    family = _family(arch)
    if family not in entry.families:
        reason = entry.differing.get(family, 'it has other names')
        raise ValueError(
            f'{arch} of {entry.title} cannot be converted: {reason}. '
            f'Of this source {", ".join(_architectures(entry))} can.'
        )
    return cover_backbone(
        entry.rename(tensors, family), arch, allow_partial=allow_partial
    )


def _read(path: str | Path) -> Any:
    """Read a checkpoint, also of safetensors."""
    if Path(path).suffix != '.safetensors':
        return read_checkpoint(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f'{path} is damaged: {error}') from error


def _tensors(
    checkpoint: Any, part: str, role: str | None
) -> dict[str, Tensor]:
    """Return the backbone of a checkpoint by its own names."""
    role = find_role(checkpoint, role)
    _, tensors = backbone_tensors(checkpoint, (role,) if role else ())
    wanted = {
        name.removeprefix(part): tensor
        for name, tensor in tensors.items()
        if name.startswith(part)
    }
    return wanted or tensors  # others may have taken it out already


def _statistic(
    name: str, checkpoint: Mapping[str, Any], source: Source
) -> Sequence[float]:
    """Return ``mean`` or ``std``; fast-reid's are in the file."""
    model = checkpoint.get('model')
    own = model if isinstance(model, Mapping) else {}
    there = [key for key in ('pixel_mean', 'pixel_std') if key in own]
    if not there:
        return getattr(source, name)
    if f'pixel_{name}' not in there:
        raise ValueError(
            f'it has {there[0]} but no pixel_{name}; say with --{name} what '
            f'it was trained with, of images in [0, 1].'
        )
    return (own[f'pixel_{name}'] / 255).flatten().tolist()


def _recognise(tensors: Mapping[str, Tensor], source: Source) -> str:
    looks_like = detect_family(tensors)  # None: has timm's names
    for arch in _architectures(source):
        family = _family(arch)
        if looks_like in (None, family) and matches(
            source.rename(tensors, family), arch
        ):
            return arch
    some = ', '.join(list(tensors)[:3]) or 'none'
    raise ValueError(
        f'its architecture was not recognised: no architecture of '
        f'{source.title} has its {len(tensors)} tensors such as {some}. Say '
        f'with --arch which it should be, to be told what differs.'
    )


def _architectures(source: Source) -> list[str]:
    return [
        name
        for name in list_architectures()
        if _family(name) in source.families
    ]


def _family(arch: str) -> str:
    """Return the type of the backbone of an architecture."""
    return get_architecture(arch).backbone['type'].removeprefix('mmcion.')
