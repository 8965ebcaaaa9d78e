"""mmcion: person re-identification pre-training, from video to a model."""

import importlib
from typing import Any

from .utils.compat import check_engine, quiet_known_warnings
from .version import __version__

check_engine()
quiet_known_warnings()

# Imported on first use, so that `import mmcion` stays quick.
_LAZY = {
    'FeatureExtractor': 'mmcion.apis.features',
    'PersonFinder': 'mmcion.apis.person_finder',
    'ReIDInferencer': 'mmcion.apis.retrieval',
    'denoise': 'mmcion.apis.denoise',
    'evaluate': 'mmcion.evaluation',
    'get_model': 'mmcion.apis.zoo',
    'inference_model': 'mmcion.apis.features',
    'init_model': 'mmcion.apis.zoo',
    'list_models': 'mmcion.apis.zoo_index',
    'rerank': 'mmcion.evaluation',
}
_PACKAGES = {'datasets', 'denoising', 'evaluation', 'models', 'structures'}

__all__ = ['__version__', *_LAZY]


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY, *_PACKAGES])


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f'mmcion.{name}')
    if name not in _LAZY:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(_LAZY[name]), name)
