"""From the config of a run to the network that is evaluated.

A checkpoint of training holds the text of its config. The text is Python, and
building from a config can call anything that can be imported, so the config
of a stranger is read as literals, and every class in it must be registered
already. Modules that it wants to import are imported only on demand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.utils import import_modules_from_strings

from mmcion.registry import (
    DATA_SAMPLERS,
    DATASETS,
    FUNCTIONS,
    METRICS,
    MODELS,
    PROTOCOLS,
    TRANSFORMS,
)
from mmcion.utils.checks import UserError, join_names

from .read_checkpoint import read_checkpoint

DEFAULT_SIZE = (256, 128)  # height and width that most papers train with

# what opening and testing a network needs of a config
_KEPT = (
    'model',
    'test_dataloader',
    'test_evaluator',
    'test_cfg',
    'train_dataloader',
    'custom_imports',
    'default_scope',
)
# of what stands in a test's data loader and evaluator
_TEST_REGISTRIES = (
    DATASETS,
    DATA_SAMPLERS,
    FUNCTIONS,
    METRICS,
    PROTOCOLS,
    TRANSFORMS,
)
# Some of mmpretrain's models download code and run it; these parts do not.
_SAFE_MODULES = (
    'mmpretrain.datasets.transforms',
    'mmpretrain.models.backbones',
    'mmpretrain.models.necks',
    'torchvision.',
)
# where weights come from before a checkpoint replaces them
_INITIAL_WEIGHTS = {
    'backbone_checkpoint',
    'checkpoint_path',
    'init_cfg',
    'neck_checkpoint',
}


def read_test_config(
    checkpoint: str | Path, *, custom_imports: bool = False
) -> Config:
    """Return the config with which to test a checkpoint of training.

    Args:
        checkpoint: File that ``tools/train.py`` wrote, with a
            ``test_dataloader`` in its config.
        custom_imports: Whether to import the modules that its config names.

    Returns:
        Config with ``model`` (see ``network_config``), ``test_dataloader``,
        ``test_evaluator`` and ``test_cfg``.

    Raises:
        FileNotFoundError: If the file is missing.
        UserError: If it holds no such config, or one that is not safe.
    """
    cfg = stored_config(
        read_checkpoint(checkpoint), custom_imports=custom_imports
    )
    if cfg is None or 'test_dataloader' not in cfg:
        raise UserError(
            f'{checkpoint} holds no config with a test; give a config of '
            f'configs/ before it.'
        )
    cfg = Config({key: cfg[key] for key in _KEPT if key in cfg})
    cfg.pop('train_dataloader', None)
    admit_classes(
        [cfg.test_dataloader, cfg.get('test_evaluator')],
        cfg.get('custom_imports', {}).get('imports', []),
        custom_imports,
        _TEST_REGISTRIES,
    )
    cfg.model = network_config(cfg)
    return cfg


def stored_config(
    checkpoint: Any, *, custom_imports: bool = False
) -> Config | None:
    """Return the config of the run that a checkpoint was saved by.

    Args:
        checkpoint: Content of a file.
        custom_imports: Whether to import the modules that the config names,
            which is running code of whoever wrote the file.

    Returns:
        None if there is no config in it.

    Raises:
        UserError: If the config is more than literals, or its model has
            classes that are not registered.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        return None
    cfg = Config(parse_config(text))
    admit_classes(
        cfg.get('model'),
        cfg.get('custom_imports', {}).get('imports', []),
        custom_imports,
    )
    return cfg


def parse_config(text: str) -> dict[str, Any]:
    """Read the settings of ``Config.pretty_text`` that a test needs.

    Args:
        text: Assignments of literals, where dictionaries may be written as
            ``dict(key=value)``. Other settings are skipped unread.

    Raises:
        UserError: If a setting is not a literal.
    """
    try:
        return {
            target.id: _literal(statement.value)
            for statement in ast.parse(text).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and target.id in _KEPT
        }
    # the last two: nested too deeply
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(
            f'the config in the checkpoint is not of plain values ({error}); '
            f'give the config file and the checkpoint as its weights.'
        ) from error


def _literal(node: ast.expr) -> Any:
    """Evaluate a literal; ``dict(a=1)`` and ``dict({1: 2})`` are such."""
    if isinstance(node, ast.Call):
        mappings = [arg for arg in node.args if isinstance(arg, ast.Dict)]
        if getattr(node.func, 'id', None) != 'dict' or mappings != node.args:
            raise ValueError(f'{ast.unparse(node)[:60]} is a call')
        pairs = {key.arg: _literal(key.value) for key in node.keywords}
        return {**dict(*map(_literal, mappings)), **pairs}
    if isinstance(node, ast.Dict):
        keys = [key and ast.literal_eval(key) for key in node.keys]
        return dict(zip(keys, map(_literal, node.values), strict=True))
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_literal(item) for item in node.elts)
    if isinstance(node, ast.Name) and node.id in ('inf', 'nan'):
        return float(node.id)
    return ast.literal_eval(node)


def admit_classes(
    settings: Any,
    modules: Sequence[str],
    custom_imports: bool,
    registries: Sequence[Registry] = (MODELS,),
) -> None:
    """Import the modules that a file names, or do without them.

    Args:
        settings: Configs of components, nested at will.
        modules: Modules that register some of their classes.
        custom_imports: Whether to import these modules, which is running code
            of whoever wrote the file.
        registries: Where to look for the classes.

    Raises:
        UserError: If a module cannot be imported, or may not be and a class
            is not registered.
    """
    if custom_imports and modules:
        try:
            import_modules_from_strings(list(modules))
        except ImportError as error:
            raise UserError(
                f'{join_names(modules)} cannot be imported ({error}). Is the '
                f'folder on PYTHONPATH?'
            ) from error
        return
    unknown = [
        name
        for name in _types(settings)
        if not any(_is_registered(name, registry) for registry in registries)
    ]
    if unknown:
        hint = 'Give the config file, and this file as its weights.'
        if modules:
            hint = (
                f'It names modules to import, {join_names(modules)}, which '
                f'are code. If you trust the file, allow it: --custom-imports '
                f'or, in Python, custom_imports=True.'
            )
        raise UserError(
            f'{join_names(unknown)} is not registered, but needed. {hint}'
        )


def _types(value: Any) -> Iterator[Any]:
    """Yield what the dictionaries in a config name as their type."""
    if isinstance(value, Mapping):
        # a scope would look the names up elsewhere
        yield from (value[k] for k in ('type', '_scope_') if k in value)
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _types(each)


def _is_registered(name: Any, registry: Registry) -> bool:
    """Look a name up as registries do, but import nothing of that name."""
    scope, _, key = str(name).rpartition('.')
    parent = registry.parent
    if scope in ('', registry.scope):
        # a registry without entries is falsy
        for each in [registry] if parent is None else [registry, parent]:
            each.import_from_location()
            if key in each.module_dict:
                return True
    if scope == 'mmpretrain' and parent is not None:
        import_module('mmpretrain.registry')
        child = parent.children.get('mmpretrain')
        if child is not None:
            child.import_from_location()
            found = child.module_dict.get(key)
            return getattr(found, '__module__', '').startswith(_SAFE_MODULES)
    return False


def network_config(
    cfg: Config, *, with_initial_weights: bool = False
) -> dict[str, Any]:
    """Return the config of the network that a run evaluates.

    - Of ``ReIDModel``: backbone and neck, without the head.
    - Of ``CION``: the teacher's backbone, as a ``ReIDModel``.
    - Other models are returned as they are.

    Args:
        cfg: Config of a run, with ``model``.
        with_initial_weights: Whether to keep what loads or downloads weights.
            Not needed where those of a checkpoint follow.

    Raises:
        UserError: If there is no model.
    """
    if not cfg.get('model'):
        raise UserError(
            'the config has no model; it describes something else.'
        )
    model = cfg.model.to_dict()
    if not with_initial_weights:
        model = without_initial_weights(model)
    if class_name(model) not in ('ReIDModel', 'CION'):
        return model
    keys = {'backbone', 'data_preprocessor', 'backbone_checkpoint'}
    if class_name(model) == 'ReIDModel':
        keys |= {'neck', 'neck_feat', 'neck_checkpoint', 'flip_test'}
    network = {key: model[key] for key in model if key in keys}
    return {**network, 'type': 'mmcion.ReIDModel'}


def class_name(settings: Mapping[str, Any]) -> str:
    """Return the name of a component's class, without our scope."""
    kind = settings['type']
    kind = kind if isinstance(kind, str) else kind.__name__
    return kind.removeprefix('mmcion.')


def without_initial_weights(value: Any) -> Any:
    """Return a config that neither reads nor downloads weights."""
    if isinstance(value, dict):
        copy = {
            key: without_initial_weights(each)
            for key, each in value.items()
            if key not in _INITIAL_WEIGHTS
        }
        if copy.get('pretrained'):  # True, or the name of a file
            copy['pretrained'] = False if copy['pretrained'] is True else None
        return copy
    if isinstance(value, list | tuple):
        return type(value)(map(without_initial_weights, value))
    return value


def evaluation_pipeline(cfg: Config) -> list[dict[str, Any]]:
    """Return the transforms of the images that a run evaluates.

    Those of ``test_dataloader``. A pre-training without one evaluates images
    of the size of its global views.
    """
    if 'test_dataloader' in cfg:
        pipeline = cfg.test_dataloader.dataset.pipeline
        return [dict(transform) for transform in pipeline]
    size = DEFAULT_SIZE
    loader = cfg.get('train_dataloader', {})
    for transform in loader.get('dataset', {}).get('pipeline', []):
        if class_name(transform) == 'MultiCrop':
            size = transform.get('global_size', DEFAULT_SIZE)
    return resize_pipeline(size)


def resize_pipeline(size: Sequence[int]) -> list[dict[str, Any]]:
    """Return the transforms that read an image and resize it."""
    return [
        {'type': 'mmcion.LoadImage'},
        {'type': 'mmcion.ResizeImage', 'size': tuple(size)},
        {'type': 'mmcion.PackReIDInputs'},
    ]
