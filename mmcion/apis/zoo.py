"""Open models: by name from the zoo, or by the path of a file or config."""

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
from mmcion.utils.checks import (
    UserError,
    check_device,
    join_names,
    name_in_errors,
)
from mmcion.utils.cli import read_config
from mmcion.utils.downloads import KnownFile, fetch_file
from mmcion.utils.io import hash_file
from mmcion.utils.paths import CONFIG_SUFFIXES, WEIGHT_SUFFIXES

from .zoo_index import ZooEntry, read_index

ZOO_FOLDER = 'MMCION_ZOO'


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
            - path of a model file or of a training checkpoint, which
              describe their network and have its weights;
            - path of a config, or its content.
        pretrained: Weights of a name or a config: path of a model file, a
            training checkpoint (of a pre-training its teacher) or a released
            file of ReIDZoo. True takes those of the zoo, from the folder
            ``$MMCION_ZOO`` or by download where the index has an address.
            Otherwise weights are random, or as the config initialises them;
            there is a warning unless it is False.
        device: Where to put it; the CPU if None.
        custom_imports: Whether to import the modules that a file names, which
            register classes of its network. This runs their code.

    Raises:
        UserError: If there is no such model, or the file is damaged, would
            run code, or does not hold exactly the weights of this model.
        FileNotFoundError: If a file is missing; says how to get one.
        OSError: If a download fails.
    """
    if not isinstance(model, str | Path | Config):
        raise UserError(f'model must be a name, path or config; got {model}.')
    path = Path('' if isinstance(model, Config) else model).expanduser()
    weights = None if isinstance(pretrained, bool) else pretrained
    if isinstance(model, Config) or path.suffix in CONFIG_SUFFIXES:
        if weights is None and pretrained is not False:
            _warn(
                'a config has no published weights: those of the network are '
                'as it initialises them; pretrained=FILE gives others.'
            )
        cfg = model if isinstance(model, Config) else read_config(path)
        network = open_config(cfg, weights)
    elif is_weight_file(path):
        if weights or pretrained is False:
            others = f'other weights ({weights})' if weights else 'random ones'
            raise UserError(
                f'{model} has weights of its own: leave out {others}.'
            )
        network = open_file(path, custom_imports=custom_imports)
    else:
        network = _open_name(str(model), weights, pretrained is True)
        if pretrained is None:
            _warn(
                f'{model} has random weights; pretrained=True takes those of '
                f'the zoo, pretrained=FILE your own.'
            )
    return network.to(check_device(device or 'cpu'))


def is_weight_file(model: str | Path) -> bool:
    """Return whether a path is of a file with weights, not a name."""
    path = Path(model)
    # not by the suffix alone: names may have dots, as ghostnet_0.5x has
    return path.suffix in WEIGHT_SUFFIXES or (
        path.is_file() and path.suffix not in CONFIG_SUFFIXES
    )


def init_model(
    config: str | Path | Config,
    checkpoint: str | Path | None = None,
    device: str | torch.device | None = None,
) -> BaseModel:
    """Open a model by its config, in the manner of OpenMMLab.

    Args:
        config: Config, its path, or what else ``get_model`` opens.
        checkpoint: Weights, see ``pretrained`` of ``get_model``.
        device: Where to put it; the best available one if None.
    """
    return get_model(config, checkpoint, device or get_device())


def _open_name(
    name: str, weights: str | Path | None, released: bool
) -> ReIDModel:
    """Build a model of the zoo, and fill it if there are weights."""
    # names of the zoo are those of the architectures after a prefix
    bare = name.strip().lower().replace('-', '_').removeprefix('cion_')
    known = get_architecture(bare).name
    entry = read_index().get(f'cion_{known}')
    if entry is None:
        raise UserError(
            f'{known} is not of the zoo; convert weights of its project with '
            f'tools/model_converters/convert_weights.py.'
        )
    values = {
        key: getattr(entry, key) for key in ('input_size', 'mean', 'std')
    }
    if weights is None and not released:
        return build_network(
            ModelSpec.from_architecture(
                entry.arch, source='random weights', **values
            )
        )
    path = _zoo_file(entry) if weights is None else Path(weights).expanduser()
    content, spec = read_model(path)
    if released and entry.sha256 is None:
        _warn(
            f'{path} is not verified: the SHA-256 of the released '
            f'{entry.name} is not known.'
        )
    elif released:
        # a converted file is compared by the file that it was made of
        found = (spec and spec.source_sha256) or hash_file(path)
        if found != entry.sha256:
            raise UserError(
                f'{path} is not the released {entry.name}: SHA-256 {found}, '
                f'not {entry.sha256}. Get it again, or give pretrained=FILE.'
            )
    if spec is None:
        spec = ModelSpec.from_architecture(
            entry.arch, source=path.name, **values
        )
    elif spec.arch != entry.arch:
        held = f'{path} holds weights of {spec.arch or spec.backbone}'
        raise UserError(f'{held}, not {entry.arch}; open it by its path.')
    model = build_network(spec)
    with name_in_errors(path):
        tensors = select(content).tensors
        if model.neck is None and select(content, 'neck').tensors:
            # without it, features are not those that were evaluated
            raise UserError(
                f'it has a neck, {entry.name} has none; open it by its path.'
            )
        if detect_family(tensors):  # as ReIDZoo released it
            content, _ = convert_weights(content, 'reidzoo', arch=entry.arch)
        load_weights(model, content)
    return model


def _zoo_file(entry: ZooEntry) -> Path:
    """Find the weights of a model on this machine, or download them."""
    folder = os.environ.get(ZOO_FOLDER)
    name = Path(entry.file)
    if folder:
        zoo = Path(folder).expanduser()
        # as publish_model.py and convert_weights.py --hash name their files
        hashed = f'{name.stem}-{"[0-9a-f]" * 8}{name.suffix}'
        found = [zoo / name] if (zoo / name).is_file() else []
        found = found or sorted(zoo.glob(hashed))
        if len(found) > 1:
            names = join_names(path.name for path in found)
            what = f'{zoo} has {len(found)} files of {entry.name}'
            raise UserError(f'{what}, give one as pretrained: {names}.')
        if found:
            return found[0]
    if entry.url and entry.sha256:
        return fetch_file(entry.file, KnownFile(entry.sha256, entry.url))
    raise FileNotFoundError(
        f'there are no weights of {entry.name} here ({ZOO_FOLDER} is '
        f'{folder or "unset"}). {entry.obtain} Convert your copy with tools/'
        f'model_converters/reidzoo_to_mmcion.py to {entry.file} and set '
        f'{ZOO_FOLDER} to its folder, or give its path (pretrained=, '
        f'--weights).'
    )


def _warn(text: str) -> None:
    print_log(text, logger='current', level=logging.WARNING)
