"""Store the threshold of a calibration in a copy of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmcion.utils.checks import UserError

from .model_file import (
    read_model_file,
    refuse_same_file,
    split_stem,
    write_content,
)


def store_threshold(
    path: str | Path,
    threshold: Mapping[str, Any],
    out: str | Path | None = None,
) -> Path:
    """Write a copy of a model file with a threshold.

    Everything else stays as it is; an earlier threshold is replaced.
    ``ReIDInferencer.compare`` decides by it.

    Args:
        path: Model file.
        threshold: See ``ModelSpec``.
        out: File to write, ``*.pth``. If None, it is beside the model file
            with ``_calibrated`` in its name, and a new hash if the name has
            one.

    Returns:
        Path of the file written.

    Raises:
        FileNotFoundError: If the model file is missing.
        UserError: If ``path`` is not a model file, ``out`` is not possible
            (see ``calibrated_path``), or the numbers are out of range.
    """
    target, add_hash = calibrated_path(path, out)
    state, spec = read_model_file(path)
    spec = replace(spec, threshold=dict(threshold))
    return write_content(target, state, spec, path, add_hash)


def calibrated_path(
    path: str | Path, out: str | Path | None
) -> tuple[Path, bool]:
    """Return where ``store_threshold`` writes, and whether a hash is added.

    Raises:
        UserError: If ``out`` is ``path``, has another suffix or ends in a
            hash.
    """
    if out is None:
        # calibrating again replaces, it does not add another suffix
        stem, named = split_stem(Path(path))
        stem = f'{stem.removesuffix("_calibrated")}_calibrated'
        target = Path(path).with_stem(stem)
        if not named:
            refuse_same_file(target, path)
        return target, bool(named)
    target = Path(out)
    if target.suffix != '.pth':
        raise UserError(f'a model file must end in .pth; got {out}.')
    stem, named = split_stem(target)
    if named:
        # the file would be refused when it is opened
        raise UserError(
            f'{out} ends in a hash, {named}, that the new file will not have; '
            f'write to {target.with_stem(stem)} or the like.'
        )
    refuse_same_file(target, path)
    return target, False
