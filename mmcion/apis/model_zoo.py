"""Models of the zoo, with weights where they are at hand."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from torch import Tensor

from mmcion.models import ReIDModel, convert_reidzoo, get_architecture
from mmcion.models.converters.key_rules import detect_family
from mmcion.models.utils.model_file import (
    load_complete,
    model_meta,
    read_checkpoint,
    read_model_file,
)
from mmcion.models.utils.weight_io import backbone_tensors
from mmcion.utils.downloads import KnownFile, fetch_file
from mmcion.utils.io import hash_file

from .model_index import ZooEntry, read_index

ZOO_FOLDER = 'MMCION_ZOO'


def get_model(
    name: str,
    pretrained: bool | str | Path = False,
    device: str | torch.device | None = None,
) -> ReIDModel:
    """Build a model of the zoo, in eval mode.

    Called with images ``(N, 3, H, W)``, normalised, it gives features
    ``(N, d)``. Its ``meta`` holds ``arch``, ``input_size``, ``mean``, ``std``,
    ``source`` and what else its file says.

    Args:
        name: one of ``list_models()``, in any spelling that
            ``get_architecture`` knows; ``cion_`` may be left out.
        pretrained: True takes the weights from the folder that ``MMCION_ZOO``
            names, or downloads them where the index knows an address. A path
            is that of a model file, a checkpoint of pre-training (of which
            the teacher is taken) or one of ReIDZoo as it was released. False
            leaves the weights random.
        device: where to put it; the CPU if None.

    Raises:
        ValueError: if there is no such model, or the file is damaged, would
            run code, or holds other than all weights of this model.
        FileNotFoundError: if there is no file; says how to get one.
        OSError: if a download fails.
    """
    if not isinstance(pretrained, bool | str | Path):
        raise ValueError(
            f'pretrained must be True, False or a path; got {pretrained!r}'
        )
    entry = _entry(name)
    meta = {
        'arch': entry.arch,
        'input_size': entry.input_size,
        'mean': entry.mean,
        'std': entry.std,
        'source': 'random weights',
    }
    if pretrained is False:
        return _build(meta, None, device)
    path = (
        _zoo_file(entry)
        if pretrained is True
        else Path(pretrained).expanduser()
    )
    checkpoint = read_checkpoint(path)
    found = model_meta(checkpoint)
    if pretrained is True:
        _verify(path, found, entry)
    meta = {**meta, 'source': path.name, **found}
    if meta['arch'] != entry.arch:
        raise ValueError(
            f'{path} holds the weights of {meta["arch"]} and not of '
            f"{entry.arch}; use get_model('cion_{meta['arch']}', ...)."
        )
    try:
        return _build(meta, checkpoint, device)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def load_model(
    path: str | Path, device: str | torch.device | None = None
) -> ReIDModel:
    """Build the model of a model file, in eval mode.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: as ``get_model``, or if it is no model file.
    """
    content = read_model_file(Path(path).expanduser())
    return _build(content['meta'], content, device)


def load_named(
    model: str, weights: str | None = None, random_weights: bool = False
) -> ReIDModel:
    """Build the model that a command line names, with its weights.

    Args:
        model: name for ``get_model``, or a model file (.pth).
        weights: checkpoint for a name.
        random_weights: take a name untrained.

    Raises:
        ValueError: if a model file is given weights; or what ``get_model``
            and ``load_model`` raise.
    """
    if not model.endswith('.pth'):
        return get_model(model, weights or not random_weights)
    if weights or random_weights:
        raise ValueError(
            f'{model} has weights; --weights and --random-weights are for '
            f'names.'
        )
    return load_model(model)


def _entry(name: str) -> ZooEntry:
    if not isinstance(name, str):
        raise ValueError(f'name must be one of list_models(); got {name!r}')
    bare = name.strip().lower().replace('-', '_').removeprefix('cion_')
    return read_index()[f'cion_{get_architecture(bare).name}']


def _build(
    meta: Mapping[str, Any],
    checkpoint: Any,
    device: str | torch.device | None,
) -> ReIDModel:
    """Build a model, and fill it unless the checkpoint is None."""
    model = ReIDModel(
        get_architecture(meta['arch']).backbone,
        data_preprocessor={
            'type': 'mmcion.ReIDDataPreprocessor',
            'mean': meta['mean'],
            'std': meta['std'],
        },
    )
    if checkpoint is not None:
        tensors = _our_names(checkpoint, meta['arch'])
        what = f'the weights of {meta["arch"]}'
        load_complete(model.backbone, tensors, what)
    model.meta = dict(meta)
    return model.to(device or 'cpu').eval()


def _our_names(checkpoint: Any, arch: str) -> Mapping[str, Tensor]:
    """Return the backbone of a checkpoint of ours or of ReIDZoo."""
    _, tensors = backbone_tensors(checkpoint, ('teacher', 'student'))
    if detect_family(tensors):
        return convert_reidzoo(tensors, arch)
    return tensors


def _zoo_file(entry: ZooEntry) -> Path:
    """Find the weights of a model on this machine, or download them.

    Raises:
        FileNotFoundError: if there are none; says how to get them.
        ValueError: if it is not clear which file is meant.
    """
    folder = os.environ.get(ZOO_FOLDER)
    name = Path(entry.file)
    if folder:
        zoo = Path(folder).expanduser()
        if (zoo / name).is_file():
            return zoo / name
        hashed = sorted(zoo.glob(f'{name.stem}-{"[0-9a-f]" * 8}{name.suffix}'))
        if len(hashed) > 1:
            raise ValueError(
                f'{zoo} has {len(hashed)} files of {entry.name}: '
                f'{", ".join(path.name for path in hashed)}. Keep one, or '
                f'give its path as pretrained.'
            )
        if hashed:
            return hashed[0]
    if entry.url and entry.sha256:
        known = KnownFile(entry.sha256, entry.url)
        return fetch_file(entry.file, known)
    where = f'{ZOO_FOLDER} is {folder}' if folder else f'{ZOO_FOLDER} is unset'
    raise FileNotFoundError(
        f'there are no weights of {entry.name} here ({where}). '
        f'{entry.obtain} Then convert your copy with tools/model_converters/'
        f'reidzoo_to_mmcion.py, save it as {entry.file} in a folder, and let '
        f'the environment variable {ZOO_FOLDER} name that folder; or give '
        f'the path of your copy as pretrained.'
    )


def _verify(path: Path, meta: Mapping[str, Any], entry: ZooEntry) -> None:
    """Compare the file, or what it was made of, with the index.

    Raises:
        ValueError: if the hash is another.
    """
    if entry.sha256 is None:
        print_log(
            f'{path} is not verified: the SHA-256 of the released '
            f'{entry.name} is not known.',
            logger='current',
            level=logging.WARNING,
        )
        return
    source = meta.get('source_sha256') or hash_file(path)
    if source != entry.sha256:
        raise ValueError(
            f'{path} is not the released {entry.name}, nor made of it: the '
            f'SHA-256 is {source}, that of the released file {entry.sha256}. '
            f'Get it again, or give its path as pretrained if it is your own.'
        )
