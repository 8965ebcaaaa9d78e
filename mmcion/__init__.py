"""mmcion: person re-identification pre-training, from video to a model."""

from .utils.compat import check_engine, quiet_known_warnings
from .version import __version__

check_engine()
quiet_known_warnings()

__all__ = ['__version__']
