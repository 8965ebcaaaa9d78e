"""The only file that knows about versions of other packages."""

import contextlib
import importlib.metadata
import importlib.util
import warnings

from .checks import MissingPackageError

_DISTRIBUTIONS = ('onedl-mmengine', 'mmengine', 'mmengine-lite')
_MINIMUM = (0, 10)


def quiet_known_warnings() -> None:
    """Silence warnings of dependencies that no user can act on."""
    # mmcv without compiled operators, which mmcion never uses
    warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeform')
    # tensors over mapped files, which nothing writes into
    warnings.filterwarnings('ignore', 'The given NumPy array is not writable')


def check_engine() -> None:
    """Raise ``MissingPackageError`` without one mmengine that we know."""
    # forks have the same import name; the installed distribution tells which
    found = {}
    for name in _DISTRIBUTIONS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    versions = [tuple(map(int, v.split('.')[:2])) for v in found.values()]
    usable = min(versions, default=_MINIMUM) >= _MINIMUM
    # several have overwritten each other; none has to be known to pip
    if not (
        usable and len(found) < 2 and importlib.util.find_spec('mmengine')
    ):
        listed = ' and '.join(f'{n} {v}' for n, v in found.items()) or 'none'
        raise MissingPackageError(
            f'mmcion needs a single mmengine >= 0.10; found {listed}. '
            "Uninstall that and run: pip install 'mmcion[mim]'"
        )
