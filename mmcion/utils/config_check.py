"""Settings of a config: which exist, and which a class takes.

A key that nothing reads changes nothing, and mmengine says so of few. Classes
are looked up by their ``type``, so that what they take is known from their
signatures alone.
"""

from __future__ import annotations

import inspect
import re
import reprlib
import traceback
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .checks import UserError, check_at_least, join_names, suggest

# read by mmengine, but no parameters of its Runner
_RUNNER_EXTRAS = {
    *('activation_checkpointing', 'compile', 'custom_imports'),
    *('efficient_conv_bn_eval', 'find_unused_parameters'),
    *('model_wrapper_cfg', 'sync_bn'),
}
# keys that mmengine takes out before it builds a class, by section
_EXTRAS = {
    'custom_hooks': {'priority'},
    'default_hooks': {'priority'},
    'optim_wrapper': {'constructor', 'optimizer', 'paramwise_cfg'},
    'param_scheduler': {'convert_to_iter_based'},
}
_LOADER_EXTRAS = {'disable_subprocess_warning', 'num_batch_per_epoch'}
_PLAIN = {
    'auto_scale_lr': {'base_batch_size', 'enable'},
    'env_cfg': {'cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit'},
    'randomness': {'deterministic', 'diff_rank_seed', 'seed'},
}
_ALWAYS = {'_delete_', '_scope_', 'type'}
# registries of configs that no Runner reads, by section
_LIGHT = {
    'detector': ['DETECTORS'],
    'pipeline': ['DENOISERS'],
    'tracker': ['TRACKERS'],
}


def check_config(cfg: Any, source: Any) -> None:
    """Raise ``UserError`` for keys that no class takes, and unusable numbers.

    Args:
        cfg: Config of a tool.
        source: Path of the config, for messages.
    """
    cfg = _mapping(cfg)
    runs = is_runner_config(cfg)
    for path, node in _mappings(cfg, ()):
        taken = _taken(node, path, runs)
        if taken is None:
            continue
        for key, value in node.items():
            if key not in taken:
                _refuse(source, (*path, key), taken)
            # text is a typing error where the default is a number
            if isinstance(value, str) and isinstance(taken[key], int | float):
                raise UserError(
                    f'{source}: {".".join((*path, key))} must be a number as '
                    f'{taken[key]}; got {value!r}.'
                )
    if not runs:
        return
    for name, loader in cfg.items():
        if name.endswith('_dataloader') and isinstance(loader, Mapping):
            check_at_least(
                1, **{f'{name}.batch_size': loader.get('batch_size', 1)}
            )
            check_at_least(
                0, **{f'{name}.num_workers': loader.get('num_workers', 0)}
            )
    for key in ('max_epochs', 'max_iters'):
        value = (cfg.get('train_cfg') or {}).get(key, 1)
        check_at_least(1, **{f'train_cfg.{key}': value})


def check_options(cfg: Any, options: Mapping[str, Any], source: Any) -> None:
    """Raise ``UserError`` for options that would change nothing.

    Args:
        cfg: Config that they override.
        options: Values by dotted names.
        source: Path of the config, for messages.
    """
    cfg = _mapping(cfg)
    runs = is_runner_config(cfg)
    for name in options:
        parts = tuple(name.split('.'))
        node: Any = cfg
        for place, part in enumerate(parts):
            path = parts[: place + 1]
            where = '.'.join(parts[:place])
            if isinstance(node, list | tuple):
                if not part.isdigit() or int(part) >= len(node):
                    raise UserError(
                        f'{source} has no {name}: {where} has {len(node)} '
                        f'entries, counted from 0.'
                    )
                node = node[int(part)]
            elif isinstance(node, Mapping):
                if part not in node:
                    # another option may set the class
                    kind = options.get(f'{where}.type', node.get('type'))
                    if kind is not None:
                        node = {**node, 'type': kind}
                    taken = _taken(node, parts[:place], runs)
                    if place == 0 and runs:
                        taken = dict.fromkeys([*node, *_sections()])
                    elif place == 0 and (
                        part in _nested_keys(cfg) or suggest(part, node)
                    ):
                        taken = dict.fromkeys(node)
                    if taken is not None and part not in taken:
                        _refuse(source, path, taken, name, cfg)
                    break  # a setting that the config leaves at its default
                node = node[part]
            elif node is None:
                break
            else:
                raise UserError(
                    f'{source} has no {name}: {where} is {node!r}.'
                )
        top = parts[0]
        if top in cfg and top not in _sections():
            _refuse_variable(cfg, parts, source, runs)


def describe_build(error: BaseException) -> str | None:
    """Return what could not be built, from what, and why, in a line.

    None if the error was not raised while a component was built from a
    config, by mmengine's registries or as a part of its Runner.
    """
    # functions by name, and their variable with the config
    builders = {'build_from_cfg': 'args', 'build_dataloader': 'dataloader_cfg'}
    builders |= {'build_train_loop': 'loop_cfg', 'from_cfg': 'randomness'}
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get('__name__', '').startswith('mmengine.')
        and frame.f_code.co_name in builders
    ]
    if not frames:
        return None
    # the innermost one, since a component builds its own parts
    code, values = frames[-1].f_code.co_name, frames[-1].f_locals
    reason = str(error.args[0] if error.args else error).splitlines()
    text = f'{type(error).__name__}: {"".join(reason[:1])}'
    given = values.get(builders[code])
    cls = values.get('obj_cls')
    if cls is None and code == 'build_from_cfg':
        kind, registry = values.get('obj_type'), values['registry']
        known = {*registry.module_dict}
        if registry.parent is not None:
            known |= {*registry.parent.module_dict}
        return f'{reason[0]}{suggest(str(kind), known)}'
    names = {'build_dataloader': 'DataLoader', 'from_cfg': 'Runner'}
    name = getattr(cls, '__name__', names.get(code, 'train_cfg'))
    text = f'{name} cannot be built: {text}'
    if isinstance(given, Mapping):
        plain = [
            f'{key}={reprlib.repr(value)}'
            for key, value in given.items()
            if isinstance(value, str | int | float | list | tuple | None)
        ]
        text += f'; given {", ".join(plain)}'
    taken = None if cls is None else arguments(cls)
    return (
        f'{text}; it takes {join_names(sorted(taken), 30)}' if taken else text
    )


def _mapping(cfg: Any) -> Mapping[str, Any]:
    """Return the content of a Config, which is no mapping itself."""
    return getattr(cfg, '_cfg_dict', cfg)


def is_runner_config(cfg: Any) -> bool:
    """Return whether mmengine's Runner reads a config."""
    cfg = _mapping(cfg)
    return 'model' in cfg or any(key.endswith('_dataloader') for key in cfg)


def arguments(cls: Any) -> dict[str, Any] | None:
    """Return what a class or function takes, with defaults; None if anything.

    Options that a constructor passes to its parent are those of the parent.
    """
    owners = inspect.getmro(cls) if inspect.isclass(cls) else [cls]
    names: dict[str, Any] = {}
    for owner in owners:
        if owner is object:
            return names
        if inspect.isclass(owner):
            if '__init__' not in vars(owner):
                continue
            function: Any = owner.__init__
        else:
            function = owner
        try:
            parameters = inspect.signature(function).parameters.values()
        except ValueError:  # of compiled code
            return None
        kinds = {parameter.kind for parameter in parameters}
        variable = (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        )
        for parameter in parameters:
            if parameter.name != 'self' and parameter.kind not in variable:
                names.setdefault(parameter.name, parameter.default)
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            return names
        if not _passes_on(function):
            return None
    return None


def _passes_on(function: Any) -> bool:
    """Return whether the options of a constructor are those of its parent."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return False
    # the call may hold calls of its own, such as str(data_root)
    call = r'super\(\)\.__init__\((?:[^()]|\([^()]*\))*\*\*\w+'
    return bool(re.search(call, source))


def _mappings(
    node: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Yield all dictionaries below a node with their paths."""
    if isinstance(node, Mapping):
        if path:
            yield path, node
        for key, part in node.items():
            yield from _mappings(part, (*path, str(key)))
    elif isinstance(node, list | tuple):
        for index, part in enumerate(node):
            yield from _mappings(part, (*path, str(index)))


def _nested_keys(cfg: Mapping[str, Any]) -> set[str]:
    """Return the keys of all dictionaries below the top."""
    return {key for _, node in _mappings(cfg, ()) for key in node}


def _taken(
    node: Mapping[str, Any], path: tuple[str, ...], runs: bool
) -> dict[str, Any] | None:
    """Return what a dictionary may have, with defaults; None if anything."""
    if 'type' in node:
        cls = _find(node['type'], path, runs)
        names = None if cls is None else arguments(cls)
        if names is None:
            return None
        extras = _EXTRAS.get(path[0], set()) if path else set()
        return {**dict.fromkeys(extras | _ALWAYS), **names}
    if not runs or len(path) != 1:
        return None
    section = path[0]
    if section in _PLAIN:
        return dict.fromkeys(_PLAIN[section])
    if section == 'default_hooks':
        usual = {'checkpoint', 'logger', 'param_scheduler', 'runtime_info'}
        usual |= {'sampler_seed', 'timer', 'early_stopping', 'visualization'}
        return dict.fromkeys([*node, *usual])
    from mmengine.runner import loops
    from torch.utils.data import DataLoader

    kinds: list[Any] = []
    if section.endswith('_dataloader'):
        kinds = [DataLoader]
    elif section == 'train_cfg':
        kinds = [loops.EpochBasedTrainLoop, loops.IterBasedTrainLoop]
    elif section in ('val_cfg', 'test_cfg'):
        kinds = [loops.ValLoop]
    if not kinds:
        return None
    extras = {'by_epoch'} if section == 'train_cfg' else _LOADER_EXTRAS
    taken = dict.fromkeys(extras | _ALWAYS)
    for kind in kinds:
        taken.update(arguments(kind) or {})
    return taken


def _find(kind: Any, path: tuple[str, ...], runs: bool) -> Any:
    """Return the class of a ``type``; None if it is not registered."""
    if not isinstance(kind, str):
        return kind if callable(kind) else None
    from mmcion import registry

    names = [name for name in vars(registry) if name.isupper()]
    # looking a name up imports where its classes are
    roots = {'DENOISERS', 'DETECTORS', 'TRACKERS'}
    wanted = [name for name in names if name not in roots]
    for name in wanted if runs else _LIGHT.get(path[0], ()):
        if (found := getattr(registry, name).get(kind)) is not None:
            return found
    return None


def _sections() -> set[str]:
    """Return the names that mmengine's Runner reads."""
    from mmengine.runner import Runner

    return {*(arguments(Runner) or ())} | _RUNNER_EXTRAS


def _refuse(
    source: Any,
    path: tuple[str, ...],
    taken: Iterable[str],
    option: str = '',
    cfg: Any = (),
) -> None:
    names = sorted(name for name in taken if not name.startswith('_'))
    nearest = suggest(path[-1], names)
    where = '.'.join(path[:-1]) or 'the config'
    # the name may stand elsewhere, as in stride=2 for extractor.stride=2
    places = [
        '.'.join((*at, path[-1]))
        for at, node in _mappings(cfg, ())
        if path[-1] in node
    ]
    if places:
        nearest = f' (did you mean {join_names(places)}?)'
    raise UserError(
        f'{source}: {option or ".".join(path)} would change nothing, as '
        f'nothing reads {path[-1]!r}{nearest}; {where} takes '
        f'{join_names(names, 30)}.'
    )


def _refuse_variable(
    cfg: Mapping[str, Any], parts: tuple[str, ...], source: Any, runs: bool
) -> None:
    """Refuse a variable, whose value was copied as the config was read."""
    top, rest = parts[0], parts[1:]
    value = cfg[top]
    copies = []
    if isinstance(value, str | list | Mapping):
        copies = [
            '.'.join((*path, str(key), *rest))
            for path, node in _mappings(cfg, ())
            for key, part in node.items()
            if path[0] != top and type(part) is type(value) and part == value
        ]
    name = '.'.join(parts)
    if copies:
        raise UserError(
            f'{source}: {name} would change nothing, because the value of '
            f'{top} is in its places already: set {join_names(copies)}.'
        )
    if runs:
        raise UserError(
            f'{source}: {name} would change nothing, because no part of a '
            f'run reads {top}.'
        )
