"""mmcion: person re-identification pre-training, from video to a model."""

from .utils.compat import check_engine
from .version import __version__

check_engine()

__all__ = ['__version__']
