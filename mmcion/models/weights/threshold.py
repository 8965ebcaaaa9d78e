"""Store the threshold of a calibration in a copy of a model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmcion.utils.checks import UserError

from .model_file import (
    check_target,
    read_model_file,
    split_stem,
    write_content,
)


def store_threshold(
    path: str | Path,
    threshold: Mapping[str, Any],
    out: str | Path | None = None,
) -> Path:
    """Write a copy of a model file with a threshold, and return its path.

    An earlier one is replaced. ``ReIDInferencer.compare`` decides by it.

    Args:
        path: Model file.
        threshold: See ``ModelSpec``.
        out: File to write, ``*.pth``. If None, it is beside the model file
            with ``_calibrated`` in its name, and a new hash if the name has
            one.
    """
    target, add_hash = calibrated_path(path, out)
    state, spec = read_model_file(path)
    spec = replace(spec, threshold=dict(threshold))
    return write_content(target, state, spec, path, add_hash)


def calibrated_path(
    path: str | Path, out: str | Path | None
) -> tuple[Path, bool]:
    """Return where ``store_threshold`` writes, and whether a hash is added."""
    target = Path(path if out is None else out)
    stem, named = split_stem(target)
    if out is None:
        # calibrating again replaces, it does not add another suffix
        target = target.with_stem(
            f'{stem.removesuffix("_calibrated")}_calibrated'
        )
    elif named:
        # the file would be refused when it is opened
        hint = f'write to {target.with_stem(stem)} or the like'
        raise UserError(f'{out} ends in a hash, {named}, not its own; {hint}.')
    if not named:
        check_target(target, path)
    return target, bool(named)
