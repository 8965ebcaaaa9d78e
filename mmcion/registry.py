"""Registries of mmcion.

The children extend mmengine's root registries, so components of other
OpenMMLab packages are reached by prefix (``mmpretrain.ResNet``).
``BATCH_AUGMENTS``, ``DENOISERS``, ``DETECTORS``, ``PROTOCOLS``, ``TOKENIZER``
and ``TRACKERS`` have no counterpart in mmengine and are roots of their own.
"""

from mmengine import registry as engine
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


MODELS = _child('model', engine.MODELS, 'models')
DATASETS = _child('dataset', engine.DATASETS, 'datasets')
DATA_SAMPLERS = _child(
    'data sampler', engine.DATA_SAMPLERS, 'datasets.samplers'
)
FUNCTIONS = _child('function', engine.FUNCTIONS, 'datasets')
TRANSFORMS = _child('transform', engine.TRANSFORMS, 'datasets.transforms')
METRICS = _child('metric', engine.METRICS, 'evaluation.metrics')
HOOKS = _child(
    'hook',
    engine.HOOKS,
    'engine.hooks',
    'apis.evaluation_check_hook',
    'apis.fingerprint',
    'apis.retrieval_report_hook',
)
MODEL_WRAPPERS = _child(
    'model wrapper', engine.MODEL_WRAPPERS, 'engine.rank_wrapper'
)
OPTIM_WRAPPERS = _child(
    'optimizer wrapper', engine.OPTIM_WRAPPERS, 'engine.optim'
)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor',
    engine.OPTIM_WRAPPER_CONSTRUCTORS,
    'engine.optim',
)
PARAM_SCHEDULERS = _child(
    'parameter scheduler', engine.PARAM_SCHEDULERS, 'engine.schedulers'
)

# Of these we have no components; without a child of the same scope mmengine
# warns whenever it builds one of its own.
EVALUATORS = _child('evaluator', engine.EVALUATOR, 'evaluation')
LOG_PROCESSORS = _child('log processor', engine.LOG_PROCESSORS, 'engine')
LOOPS = _child('loop', engine.LOOPS, 'engine')
OPTIMIZERS = _child('optimizer', engine.OPTIMIZERS, 'engine.optim')
RUNNERS = _child('runner', engine.RUNNERS, 'engine')
RUNNER_CONSTRUCTORS = _child(
    'runner constructor', engine.RUNNER_CONSTRUCTORS, 'engine'
)
TASK_UTILS = _child('task util', engine.TASK_UTILS, 'models')
VISBACKENDS = _child('vis backend', engine.VISBACKENDS, 'engine')
VISUALIZERS = _child('visualizer', engine.VISUALIZERS, 'engine')
WEIGHT_INITIALIZERS = _child(
    'weight initializer', engine.WEIGHT_INITIALIZERS, 'models'
)
# as in mmpretrain, which has no parent for them
BATCH_AUGMENTS = _root('batch augment', 'models')
TOKENIZER = _root('tokenizer', 'models')

DENOISERS = _root('denoiser', 'denoising')
DETECTORS = _root('detector', 'video.detectors')
PROTOCOLS = _root('protocol', 'evaluation.protocols')
TRACKERS = _root('tracker', 'video')
