"""The config in a checkpoint, read without running code.

mmengine stores the config of a run as Python text, and building from a config
can call anything that can be imported. So the text is read as literals, and
every class in it must be registered already. Modules that the config wants to
import are imported only if the caller allows it.
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
from mmcion.utils.checks import UserError, join_names, name_in_errors
from mmcion.utils.read_checkpoint import read_checkpoint

from .network_config import custom_modules, network_config, portable_config

# settings that a network and its test need; the others are not looked at
_KEPT = (
    'model',
    'test_dataloader',
    'test_evaluator',
    'test_cfg',
    'train_dataloader',  # for the size of images of a pre-training
    'custom_imports',
    'default_scope',
)
# of the parts of a test's data loader and evaluator
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
    """
    content = read_checkpoint(checkpoint)
    with name_in_errors(checkpoint):
        cfg = stored_config(content, custom_imports=custom_imports)
        if 'test_dataloader' not in cfg:
            raise UserError(
                'its config has no test: give a test config before it, such '
                'as one of configs/eval, or train with --hold-out or with '
                'query and gallery images in --data.'
            )
        test = [cfg.test_dataloader, cfg.get('test_evaluator')]
        admit_classes(
            test, custom_modules(cfg), custom_imports, _TEST_REGISTRIES
        )
    cfg.model = network_config(cfg)
    cfg.pop('train_dataloader', None)
    return cfg


def stored_config(checkpoint: Any, *, custom_imports: bool = False) -> Config:
    """Return the config of the run that saved a checkpoint.

    Args:
        checkpoint: Content of a file.
        custom_imports: Whether to import the modules that the config names,
            which runs code of whoever wrote the file.

    Raises:
        UserError: If there is no config or more than literals in it, or its
            network has classes that are not registered.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        raise UserError(
            'it does not say what network it is of; give its config or '
            'architecture, and the file as weights.'
        )
    cfg = Config(portable_config(parse_config(text)))
    admit_classes(network_config(cfg), custom_modules(cfg), custom_imports)
    return cfg


def parse_config(text: str) -> dict[str, Any]:
    """Read the settings of ``Config.pretty_text`` that a test needs.

    Args:
        text: Assignments of literals, where dictionaries may be written as
            ``dict(key=value)``. Other settings are skipped unread.
    """
    try:
        return {
            target.id: ast.literal_eval(_Literals().visit(statement.value))
            for statement in ast.parse(text).body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name) and target.id in _KEPT
        }
    # the last two: parentheses too deep for Python's parser
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(
            f'its config is not of plain values ({error}); give the config '
            f'file, and this one as weights.'
        ) from error


class _Literals(ast.NodeTransformer):
    """Write what ``Config.pretty_text`` prints as literals of Python."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Map ``dict({1: 2}, a=3)`` to ``{1: 2, 'a': 3}``."""
        mappings = [arg for arg in node.args if isinstance(arg, ast.Dict)]
        if getattr(node.func, 'id', None) != 'dict' or mappings != node.args:
            raise ValueError(f'{ast.unparse(node)[:60]} is a call')
        keys = [key for each in mappings for key in each.keys]
        keys += [ast.Constant(each.arg) for each in node.keywords]
        values = [value for each in mappings for value in each.values]
        values += [each.value for each in node.keywords]
        return self.generic_visit(ast.Dict(keys, values))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Map ``inf`` and ``nan`` to numbers."""
        known = node.id in ('inf', 'nan')
        return ast.Constant(float(node.id)) if known else node


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
        custom_imports: Whether to import these modules, which runs code of
            whoever wrote the file.
        registries: Where to look for the classes.
    """
    if custom_imports and modules:
        # from here on the file is trusted as a config file would be
        try:
            import_modules_from_strings(list(modules))
        except ImportError as error:
            text = f'{join_names(modules)} cannot be imported ({error})'
            raise UserError(f'{text}; set PYTHONPATH.') from error
        return
    unknown = [
        name
        for name in _types(settings)
        if not any(_is_registered(name, registry) for registry in registries)
    ]
    hint = 'Give the config file, and this file as its weights.'
    if modules:
        hint = (
            f'It names modules to import, {join_names(modules)}, which are '
            f'code. If you trust the file, allow it: --custom-imports or, in '
            f'Python, custom_imports=True.'
        )
    if unknown:
        names = join_names(unknown)
        raise UserError(f'{names} is not registered, but needed. {hint}')


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
    """Look a name up; ``Registry.get`` would import it: ``os.system``."""
    scope, _, key = str(name).rpartition('.')
    parent = registry.parent
    # a registry without entries is falsy
    for each in [registry] if parent is None else [registry, parent]:
        if scope in ('', each.scope):
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
