"""Registries of mmcion.

The children extend mmengine's root registries, so components of other
OpenMMLab packages are reached by prefix (``mmpretrain.ResNet``).
``DENOISERS``, ``DETECTORS``, ``PROTOCOLS`` and ``TRACKERS`` have no
counterpart in mmengine and are roots of their own.
"""

from mmengine.registry import DATA_SAMPLERS as MMENGINE_DATA_SAMPLERS
from mmengine.registry import DATASETS as MMENGINE_DATASETS
from mmengine.registry import FUNCTIONS as MMENGINE_FUNCTIONS
from mmengine.registry import HOOKS as MMENGINE_HOOKS
from mmengine.registry import METRICS as MMENGINE_METRICS
from mmengine.registry import MODELS as MMENGINE_MODELS
from mmengine.registry import (
    OPTIM_WRAPPER_CONSTRUCTORS as MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
)
from mmengine.registry import OPTIM_WRAPPERS as MMENGINE_OPTIM_WRAPPERS
from mmengine.registry import PARAM_SCHEDULERS as MMENGINE_PARAM_SCHEDULERS
from mmengine.registry import TRANSFORMS as MMENGINE_TRANSFORMS
from mmengine.registry import Registry


def _child(name: str, parent: Registry, *locations: str) -> Registry:
    return Registry(
        name,
        parent=parent,
        scope='mmcion',
        locations=[f'mmcion.{location}' for location in locations],
    )


def _root(name: str, location: str) -> Registry:
    return Registry(name, scope='mmcion', locations=[f'mmcion.{location}'])


MODELS = _child('model', MMENGINE_MODELS, 'models')
DATASETS = _child('dataset', MMENGINE_DATASETS, 'datasets')
DATA_SAMPLERS = _child(
    'data sampler', MMENGINE_DATA_SAMPLERS, 'datasets.samplers'
)
FUNCTIONS = _child('function', MMENGINE_FUNCTIONS, 'datasets')
TRANSFORMS = _child('transform', MMENGINE_TRANSFORMS, 'datasets.transforms')
METRICS = _child('metric', MMENGINE_METRICS, 'evaluation.metrics')
HOOKS = _child(
    'hook',
    MMENGINE_HOOKS,
    'engine.hooks',
    'apis.evaluation_check_hook',
    'apis.retrieval_report_hook',
)
OPTIM_WRAPPERS = _child(
    'optimizer wrapper', MMENGINE_OPTIM_WRAPPERS, 'engine.optim'
)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor',
    MMENGINE_OPTIM_WRAPPER_CONSTRUCTORS,
    'engine.optim',
)
PARAM_SCHEDULERS = _child(
    'parameter scheduler', MMENGINE_PARAM_SCHEDULERS, 'engine.schedulers'
)

DENOISERS = _root('denoiser', 'denoising')
DETECTORS = _root('detector', 'video.detectors')
PROTOCOLS = _root('protocol', 'evaluation.protocols')
TRACKERS = _root('tracker', 'video')
