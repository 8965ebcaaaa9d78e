"""Give a model file the similarity that its features mean one person by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .model_file import (
    model_meta,
    read_checkpoint,
    refuse_same_file,
    split_stem,
    write_model_content,
)


def read_calibratable(path: str | Path) -> dict[str, Any]:
    """Read a model file that a threshold can be stored in.

    Returns:
        ``state_dict`` and ``meta``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or no model file.
    """
    content = read_checkpoint(path)
    if not model_meta(content):
        raise ValueError(
            f'{path} is a checkpoint and no model file, which has a place '
            f'for a threshold. Make one of it first: python '
            f'tools/model_converters/publish_model.py {path} --arch <arch> '
            f'--out <model>.pth'
        )
    return content


def store_threshold(
    path: str | Path,
    threshold: Mapping[str, Any],
    out: str | Path | None = None,
) -> Path:
    """Write a copy of a model file that has a threshold.

    Weights and all else stay as they are; a threshold that was there before
    is replaced. ``ReIDInferencer.compare`` decides by it.

    Args:
        path: of the model file.
        threshold: ``similarity``, the cosine from which on two images count
            as one person, ``false_match_rate``, and more of what JSON knows.
        out: file to write, which ends in ``.pth``. If None, it lies beside
            the model file, ``_calibrated`` at the end of its name, and a
            new hash if the name has one.

    Returns:
        Path of the file written.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if ``path`` is no model file, ``out`` is ``path``, has
            another ending or ends in a hash, or the numbers are out of
            range.
    """
    _check(threshold)
    target, add_hash = find_output(path, out)
    content = read_calibratable(path)
    meta = {**content['meta'], 'threshold': dict(threshold)}
    return write_model_content(
        target,
        {**content, 'meta': json.loads(json.dumps(meta))},
        source_file=path,
        add_hash=add_hash,
    )


def find_output(path: str | Path, out: str | Path | None) -> tuple[Path, bool]:
    """Return where ``store_threshold`` writes, and whether a hash is added.

    Raises:
        ValueError: if ``out`` is ``path``, has another ending or ends in a
            hash.
    """
    if out is None:
        stem, named = split_stem(Path(path))
        stem = f'{stem.removesuffix("_calibrated")}_calibrated'
        target = Path(path).with_stem(stem)
        if not named:
            refuse_same_file(target, path)
        return target, bool(named)
    target = Path(out)
    if target.suffix != '.pth':
        raise ValueError(f'a model file must end in .pth; got {out}')
    stem, named = split_stem(target)
    if named:
        raise ValueError(
            f'{out} ends in a hash, {named}, that the new file will not '
            f'have; write to {target.with_stem(stem)} or the like.'
        )
    refuse_same_file(target, path)
    return target, False


def _check(threshold: Mapping[str, Any]) -> None:
    for name, low in (('similarity', -1), ('false_match_rate', 0)):
        value = threshold.get(name)
        if not isinstance(value, int | float) or not low <= value <= 1:
            raise ValueError(
                f'threshold must have {name} in [{low}, 1]; got {value!r}'
            )
