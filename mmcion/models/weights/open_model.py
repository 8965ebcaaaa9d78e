"""Open a network from a file that describes it, or from a config."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.utils import import_modules_from_strings
from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import name_in_errors

from .load import load_weights
from .model_file import build_network, read_model
from .model_spec import ModelSpec
from .network_config import (
    class_name,
    evaluation_pipeline,
    network_config,
    portable_config,
)
from .origin import find_origin
from .stored_config import admit_classes, stored_config

# options of ReIDModel that a test may choose, whatever the model file says
_TEST_OPTIONS = ('neck_feat', 'flip_test')


def open_file(path: str | Path, *, custom_imports: bool = False) -> nn.Module:
    """Open a model file or a checkpoint of training by its path alone.

    The network is in eval mode on the CPU, with ``spec`` of a model file or
    ``cfg`` of a training.

    Args:
        path: File; read without running code from it.
        custom_imports: Whether to import the modules that it names, which
            runs code of whoever wrote it.
    """
    content, spec = read_model(path)
    with name_in_errors(path):
        if spec is not None:
            config, modules = spec.model_config(), spec.custom_imports
            admit_classes(config, modules, custom_imports)
            model = build_network(spec)
            load_weights(model, content)
            return model
        cfg = stored_config(content, custom_imports=custom_imports)
        return _build(network_config(cfg), cfg, content)


def open_config(cfg: Config, weights: str | Path | None = None) -> nn.Module:
    """Build the network that a run evaluates, see ``network_config``.

    It is in eval mode on the CPU, with ``cfg``.

    Args:
        cfg: Config of the run.
        weights: File with the weights of the network. If None, they are as
            the config initialises them. A model file brings its own network
            and normalisation.
    """
    if modules := cfg.get('custom_imports'):
        import_modules_from_strings(**modules)  # as Config.fromfile does
    if weights is None:
        # a config may name a checkpoint to start from
        return _build(network_config(cfg, with_initial_weights=True), cfg)
    content, spec = read_model(weights)
    with name_in_errors(weights):
        published = spec and _published_network(cfg, spec, weights)
        return _build(published or network_config(cfg), cfg, content)


def use_checkpoint(cfg: Config, checkpoint: str | Path) -> None:
    """Let the config of a test evaluate a checkpoint.

    A model file brings its own network and normalisation. Any other gives the
    backbone and, if the config has one, the neck; the classifier of the
    training identities is not needed.

    Args:
        cfg: Config with ``model`` and ``test_dataloader``, changed in place.
        checkpoint: Any that ``load_part`` understands; of training with this
            config if there is a neck.
    """
    _, spec = read_model(checkpoint)
    if spec is not None:
        with name_in_errors(checkpoint):
            cfg.model = _published_network(cfg, spec, checkpoint)
    elif class_name(cfg.model) != 'ReIDModel':
        # a pre-trainer loads weights to start from only when it trains
        cfg.model = network_config(cfg)
    cfg.model.backbone_checkpoint = str(checkpoint)
    if cfg.model.get('neck') is not None:
        cfg.model.neck_checkpoint = str(checkpoint)


def _build(config: dict[str, Any], cfg: Config, content: Any = None) -> Any:
    model = MODELS.build(config)
    if content is not None:
        if own := getattr(model, 'origin', None):
            find_origin(content).require(own)
        load_weights(model, content)
    model.cfg = cfg
    return model.eval()


def _published_network(
    cfg: Config, spec: ModelSpec, path: str | Path
) -> dict[str, Any]:
    """Return the network of a model file, with the options of a config."""
    network = spec.model_config()
    admit_classes(network, spec.custom_imports, custom_imports=False)
    stated = cfg.get('model') or {}
    own = {key: stated[key] for key in _TEST_OPTIONS if key in stated}
    # a config may test another size on purpose, so this is only a warning
    for transform in evaluation_pipeline(cfg):
        size = transform.get('size', spec.input_size)
        if class_name(transform) == 'ResizeImage' and list(size) != list(
            spec.input_size
        ):
            print_log(
                f'the config resizes images to {list(size)}; {path} is for '
                f'{list(spec.input_size)}.',
                logger='current',
                level=logging.WARNING,
            )
    return {**portable_config(network), **own}
