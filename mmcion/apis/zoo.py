"""Open models: of the zoo by name, of files and configs by path."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.model import BaseModel

from mmcion.models import ReIDModel, get_architecture
from mmcion.models.weights import (
    ModelSpec,
    convert_weights,
    load_weights,
    open_config,
    open_file,
    read_model,
    select,
)
from mmcion.models.weights.key_rules import detect_family
from mmcion.models.weights.model_file import build_network
from mmcion.utils.checks import UserError, name_in_errors
from mmcion.utils.cli import read_config
from mmcion.utils.downloads import KnownFile, fetch_file
from mmcion.utils.io import hash_file

from .zoo_index import ZooEntry, read_index

ZOO_FOLDER = 'MMCION_ZOO'
_WEIGHT_SUFFIXES = ('.pth', '.pt', '.bin', '.tar', '.safetensors')


def get_model(
    model: str | Path | Config,
    pretrained: bool | str | Path | None = None,
    device: str | torch.device | None = None,
    *,
    custom_imports: bool = False,
) -> Any:
    """Open a model, in eval mode.

    Called with images ``(N, 3, H, W)``, normalised, it returns features
    ``(N, d)``. It has ``spec`` if it is of the zoo or a model file, and
    ``cfg`` if it is of a config or a checkpoint of training.

    Args:
        model: One of these:

            - name of ``list_models()``, in any spelling that
              ``get_architecture`` knows, with or without ``cion_``;
            - path of a model file or of a checkpoint of training, which know
              their network and have its weights;
            - path of a config, or its content.
        pretrained: Weights for a name or a config. A path is that of a model
            file, a checkpoint of training (of a pre-training the teacher is
            taken) or one of ReIDZoo as it was released. True takes those of
            the zoo: from the folder that the environment variable
            ``MMCION_ZOO`` names, or by download where the index has an
            address. Otherwise they are as they are initialised.
        device: Where to put it; the CPU if None.
        custom_imports: Whether to import the modules that a file names, which
            register classes of its network. This runs their code.

    Raises:
        UserError: If there is no such model, or the file is damaged, would
            run code, or holds other than all weights of this model.
        FileNotFoundError: If a file is missing; says how to get one.
        OSError: If a download fails.
    """
    if not isinstance(model, str | Path | Config):
        raise UserError(f'model must be a name or a path; got {model!r}.')
    if not isinstance(pretrained, bool | str | Path | None):
        raise UserError(
            f'pretrained must be True, False or a path; got {pretrained!r}.'
        )
    path = Path('' if isinstance(model, Config) else model).expanduser()
    weights = None if isinstance(pretrained, bool) else pretrained
    if isinstance(model, Config) or path.suffix == '.py':
        if pretrained is True:
            print_log(
                'a config has no published weights; the network is as it is '
                'initialised.',
                logger='current',
                level=logging.WARNING,
            )
        cfg = model if isinstance(model, Config) else read_config(path)
        network = open_config(cfg, weights)
    # not by the suffix alone: names may have dots, as ghostnet_0.5x has
    elif path.suffix in _WEIGHT_SUFFIXES or path.is_file():
        if weights or pretrained is False:
            raise UserError(
                f'{model} has weights; pretrained={pretrained!r} is for names '
                f'and configs.'
            )
        network = open_file(path, custom_imports=custom_imports)
    else:
        network = _of_name(str(model), weights, pretrained is True)
    return network.to(device or 'cpu')


def init_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
) -> BaseModel:
    """Open a model by its config, in the manner of OpenMMLab.

    Args:
        config: File, or what was read from it; or what else ``get_model``
            opens.
        checkpoint: Weights of the backbone, and of the neck if there is one.
            If None, they are as the config initialises them.
        device: Where to put it; the best there is if None.

    Raises:
        FileNotFoundError: If a file is missing.
        UserError: If the config has no model, or the checkpoint is damaged or
            does not fit.
    """
    return get_model(config, checkpoint, device or get_device())


def _of_name(
    name: str, weights: str | Path | None, released: bool
) -> ReIDModel:
    """Build a model of the zoo, and fill it if there are weights."""
    # names of the zoo are those of the architectures after a prefix
    bare = name.strip().lower().replace('-', '_').removeprefix('cion_')
    entry = read_index()[f'cion_{get_architecture(bare).name}']
    options = {
        'input_size': entry.input_size,
        'mean': entry.mean,
        'std': entry.std,
    }
    if weights is None and not released:
        return build_network(
            ModelSpec.from_architecture(
                entry.arch, source='random weights', **options
            )
        )
    path = _zoo_file(entry) if weights is None else Path(weights).expanduser()
    content, spec = read_model(path)
    if released:
        _verify(path, spec, entry)
    if spec is None:
        spec = ModelSpec.from_architecture(
            entry.arch, source=path.name, **options
        )
    elif spec.arch != entry.arch:
        raise UserError(
            f'{path} holds the weights of {spec.arch or spec.backbone} and '
            f"not of {entry.arch}; get_model('{path}') opens it."
        )
    model = build_network(spec)
    with name_in_errors(path):
        tensors = select(content).tensors
        if model.neck is None and select(content, 'neck').tensors:
            # without it, features are not those that were evaluated
            raise UserError(
                f'it has a neck, which {entry.name} does not have; '
                f"get_model('{path}') opens it as it was trained."
            )
        if detect_family(tensors):  # as ReIDZoo released it
            content, _ = convert_weights(content, 'reidzoo', arch=entry.arch)
        load_weights(model, content)
    return model


def _zoo_file(entry: ZooEntry) -> Path:
    """Find the weights of a model on this machine, or download them.

    Raises:
        FileNotFoundError: If there are none; says how to get them.
        UserError: If several files could be meant.
    """
    folder = os.environ.get(ZOO_FOLDER)
    name = Path(entry.file)
    if folder:
        zoo = Path(folder).expanduser()
        if (zoo / name).is_file():
            return zoo / name
        # as publish_model.py and convert_weights.py --hash name their files
        hashed = sorted(zoo.glob(f'{name.stem}-{"[0-9a-f]" * 8}{name.suffix}'))
        if len(hashed) > 1:
            raise UserError(
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


def _verify(path: Path, spec: ModelSpec | None, entry: ZooEntry) -> None:
    """Compare a file, or the one it was made of, with the index.

    Raises:
        UserError: If the hash is another.
    """
    if entry.sha256 is None:
        print_log(
            f'{path} is not verified: the SHA-256 of the released '
            f'{entry.name} is not known.',
            logger='current',
            level=logging.WARNING,
        )
        return
    # a converted file is compared by the file that it was made of
    source = (spec and spec.source_sha256) or hash_file(path)
    if source != entry.sha256:
        raise UserError(
            f'{path} is not the released {entry.name}, nor made of it: the '
            f'SHA-256 is {source}, that of the released file {entry.sha256}. '
            f'Get it again, or give its path as pretrained if it is your own.'
        )
