"""From the config of a run to the network and the images it evaluates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError

DEFAULT_SIZE = (256, 128)  # height and width that most papers train with
# what ResizeImage does, for readers without mmcion
RESIZE = {'interpolation': 'bicubic', 'antialias': True, 'keep_ratio': False}
# settings by which a network gets weights before those of a checkpoint
_OWN_WEIGHTS = {'backbone_checkpoint', 'neck_checkpoint', 'other_statistics'}
_INITIAL_WEIGHTS = {*_OWN_WEIGHTS, 'checkpoint_path', 'init_cfg'}


def network_config(
    cfg: Config, *, with_initial_weights: bool = False
) -> dict[str, Any]:
    """Return the config of the network that a run evaluates.

    - Of ``ReIDModel``: backbone and neck, without the head.
    - Of a pre-trainer: the backbone, as a ``ReIDModel``.
    - Other models are returned as they are.

    Settings that load or download weights are only kept
    ``with_initial_weights``, where no checkpoint follows.
    """
    if not cfg.get('model'):
        raise UserError('the config has no model.')
    model = cfg.model.to_dict()
    if not with_initial_weights:
        model = portable_config(model)
    if class_name(model) != 'ReIDModel' and not is_pretrainer(model):
        return model  # what of it is evaluated, only its class knows
    # head, projector and options of training do not change a feature
    keys = {'backbone', 'data_preprocessor', *_OWN_WEIGHTS}
    if class_name(model) == 'ReIDModel':
        keys |= {'neck', 'neck_feat', 'flip_test'}
    network = {key: model[key] for key in model if key in keys}
    return {**network, 'type': 'mmcion.ReIDModel'}


def is_pretrainer(model: Mapping[str, Any]) -> bool:
    """Return whether a config is of a method of pre-training."""
    # not by MODELS.get, which would import whatever a file names
    MODELS.import_from_location()
    # they say which of their networks is released
    cls = MODELS.module_dict.get(class_name(model))
    return hasattr(cls, 'released')


def custom_modules(cfg: Config) -> list[str]:
    """Return the modules that a config imports."""
    return cfg.get('custom_imports', {}).get('imports', [])


def class_name(settings: Mapping[str, Any]) -> str:
    """Return the name of a component's class, without our scope."""
    kind = settings['type']
    kind = kind if isinstance(kind, str) else kind.__name__
    # of a config in Python style: mmcion.models.CION
    return kind.rpartition('.')[2] if kind.startswith('mmcion.') else kind


def portable_config(value: Any) -> Any:
    """Return a config that needs nothing but registered classes.

    - It neither reads nor downloads weights.
    - Classes are named as registries do, ``mmcion.CION``, not by the module
      they are in, ``mmcion.models.CION``.
    """
    if isinstance(value, list | tuple):
        return type(value)(map(portable_config, value))
    if not isinstance(value, dict):
        return value
    copy = {
        key: portable_config(each)
        for key, each in value.items()
        if key not in _INITIAL_WEIGHTS
    }
    if copy.get('pretrained'):  # True, or the name of a file
        copy['pretrained'] = False if copy['pretrained'] is True else None
    kind = copy.get('type')
    if isinstance(kind, str) and kind.count('.') > 1:
        copy['type'] = f'{kind.split(".")[0]}.{kind.rpartition(".")[2]}'
    return copy


def evaluation_pipeline(cfg: Config) -> list[dict[str, Any]]:
    """Return the transforms of the images that a run evaluates.

    Those of ``test_dataloader``. A pre-training without one evaluates images
    of the size of its global views, or of its last crop or resize.
    """
    if 'test_dataloader' in cfg:
        pipeline = cfg.test_dataloader.dataset.pipeline
        return [dict(transform) for transform in pipeline]
    loader = cfg.get('train_dataloader', {})
    size: Any = DEFAULT_SIZE
    for transform in flat_transforms(
        loader.get('dataset', {}).get('pipeline', [])
    ):
        found = transform.get('global_size', transform.get('size'))
        if isinstance(found, Sequence) and len(found) == 2:
            size = found
    return resize_pipeline(size)


def flat_transforms(pipeline: Any) -> Iterator[Any]:
    """Yield the configs of all transforms, those inside of others as well."""
    if isinstance(pipeline, list | tuple):
        for each in pipeline:
            yield from flat_transforms(each)
    elif isinstance(pipeline, dict):
        yield pipeline
        # of MultiView or RandomApply
        yield from flat_transforms(pipeline.get('transforms', []))


def resize_rule(pipeline: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how transforms resize an image, as ``RESIZE`` describes it."""
    found = [
        each['interpolation'] for each in pipeline if 'interpolation' in each
    ]
    return {**RESIZE, **({'interpolation': found[0]} if found else {})}


def resize_pipeline(
    size: Sequence[int], interpolation: str = 'bicubic'
) -> list[dict[str, Any]]:
    """Return the transforms that read an image and resize it."""
    resize: dict[str, Any] = {
        'type': 'mmcion.ResizeImage',
        'size': tuple(size),
    }
    # not the default: stores of features name their transforms by a hash
    if interpolation != RESIZE['interpolation']:
        resize['interpolation'] = interpolation
    return [
        {'type': 'mmcion.LoadImage'},
        resize,
        {'type': 'mmcion.PackReIDInputs'},
    ]
