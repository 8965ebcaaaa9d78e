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
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
# smallest values of numbers in sections
_LOWEST = {'batch_size': 1, 'num_workers': 0, 'max_epochs': 1, 'max_iters': 1}
# registries of configs that no Runner reads, by section
_LIGHT = {
    'detector': ['DETECTORS'],
    'pipeline': ['DENOISERS'],
    'tracker': ['TRACKERS'],
}
# registry of every ``type`` that was found, which is tried first
_FOUND_IN: dict[str, str] = {}


def check_config(cfg: Any, source: Any) -> None:
    """Raise ``UserError`` for keys that no class takes, and wrong numbers."""
    cfg = _mapping(cfg)
    runs = is_runner_config(cfg)
    for path, node in _mappings(cfg, ()):
        taken = _taken(node, path, runs)
        for key, value in node.items():
            name = '.'.join((*path, str(key)))
            if runs and len(path) == 1 and key in _LOWEST:
                check_at_least(_LOWEST[key], **{name: value})
            if taken is None:
                continue
            if key not in taken:
                _refuse(source, name, taken)
            # text is a typing error where the default is a number
            if isinstance(value, str) and isinstance(taken[key], int | float):
                wanted = f'a number as {taken[key]}'
                raise UserError(f'{source}: {name} is {value!r}, not {wanted}')


def check_options(cfg: Any, options: Iterable[str], source: Any) -> None:
    """Raise ``UserError`` for options of which nothing reads the section."""
    cfg = _mapping(cfg)
    sections = _sections() if options and is_runner_config(cfg) else set()
    for name in options:
        top, *rest = name.split('.')
        if top in sections:
            continue
        # the value of a variable was copied as the config was read; another
        # name may stand elsewhere, as in stride=2 for extractor.stride=2
        copied = isinstance(cfg.get(top), str | list | Mapping)
        places = [
            '.'.join((*path, str(key), *rest))
            for path, node in _mappings(cfg, ())
            for key, value in node.items()
            if path[0] != top
            and (copied and value == cfg[top] if top in cfg else key == top)
        ]
        # tools without a run read more than their configs have
        if sections or places or (top not in cfg and suggest(top, cfg)):
            _refuse(source, top, sections or cfg, places)


def describe_build(error: BaseException) -> str | None:
    """Return what could not be built, from what, and why, in a line.

    None if the error was not raised while a component was built from a
    config, by mmengine's registries or as a part of its Runner.
    """
    # functions by name: their variable with the config, and what they build
    builders = {
        'build_from_cfg': ('args', ''),
        'build_dataloader': ('dataloader_cfg', 'DataLoader'),
        'build_train_loop': ('loop_cfg', 'train_cfg'),
        'from_cfg': ('randomness', 'Runner'),
    }
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get('__name__', '').startswith('mmengine.')
        and frame.f_code.co_name in builders
    ]
    if not frames:
        return None
    # the innermost one, since a component builds its own parts
    variable, name = builders[frames[-1].f_code.co_name]
    values = frames[-1].f_locals
    reason = str(error.args[0] if error.args else error).partition('\n')[0]
    cls = values.get('obj_cls')
    if cls is None and not name:  # there is no such class
        known = {*values['registry'].module_dict}
        if (parent := values['registry'].parent) is not None:
            known |= {*parent.module_dict}
        return f'{reason}{suggest(str(values.get("obj_type")), known)}'
    name = getattr(cls, '__name__', name)
    text = f'{name} cannot be built: {type(error).__name__}: {reason}'
    if isinstance(given := values.get(variable), Mapping):
        plain = [
            f'{key}={reprlib.repr(value)}'
            for key, value in given.items()
            if isinstance(value, str | int | float | list | tuple | None)
        ]
        text += f'; given {", ".join(plain)}'
    if cls is not None and (taken := arguments(cls)):
        text += f'; it takes {join_names(sorted(taken), 30)}'
    return text


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
        # further hooks have names of their own
        own = [
            name
            for name, hook in node.items()
            if not isinstance(hook, Mapping) or 'type' in hook
        ]
        return dict.fromkeys([*own, *usual])
    from mmengine.runner import loops
    from torch.utils.data import DataLoader

    kinds: dict[str, list[Any]] = {
        'train_cfg': [loops.EpochBasedTrainLoop, loops.IterBasedTrainLoop],
        'val_cfg': [loops.ValLoop],
        'test_cfg': [loops.ValLoop],
    }
    if section.endswith('_dataloader'):
        kinds[section] = [DataLoader]
    extras = {'by_epoch'} if section == 'train_cfg' else _LOADER_EXTRAS
    taken = dict.fromkeys(extras | _ALWAYS)
    for kind in kinds.get(section, ()):
        taken |= arguments(kind) or {}
    return taken if section in kinds else None


def _find(kind: Any, path: tuple[str, ...], runs: bool) -> Any:
    """Return the class of a ``type``; None if it is not registered."""
    if not isinstance(kind, str):
        return kind if callable(kind) else None
    from mmcion import registry

    names = [name for name in vars(registry) if name.isupper()]
    # looking a name up imports where its classes are
    roots = {'DENOISERS', 'DETECTORS', 'TRACKERS'}
    wanted = [name for name in names if name not in roots]
    # a lookup that fails is slow: the registry tries to import the name
    tried = wanted if runs else _LIGHT.get(path[0], [])
    for name in sorted(tried, key=lambda name: name != _FOUND_IN.get(kind)):
        if (found := getattr(registry, name).get(kind)) is not None:
            _FOUND_IN[kind] = name
            return found
    return None


def _sections() -> set[str]:
    """Return the names that mmengine's Runner reads."""
    from mmengine.runner import Runner

    return {*(arguments(Runner) or ())} | _RUNNER_EXTRAS


def _refuse(
    source: Any, name: str, taken: Iterable[str], places: Sequence[str] = ()
) -> None:
    """Refuse a key; it may be meant for one of ``places``."""
    *above, key = name.split('.')
    names = sorted(name for name in taken if not name.startswith('_'))
    meant = f' (did you mean {join_names(places)}?)' if places else ''
    raise UserError(
        f'{source}: {name} would change nothing{meant or suggest(key, names)};'
        f' {".".join(above) or "the config"} takes {join_names(names, 30)}.'
    )
