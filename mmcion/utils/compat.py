"""The only file that knows about versions of other packages."""

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


def check_engine() -> None:
    """Raise unless one mmengine is installed, in a version that we know.

    Raises:
        MissingPackageError: Names what was found and what to install.
    """
    # forks have the same import name; the installed distribution tells which
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    versions = [tuple(map(int, v.split('.')[:2])) for v in found.values()]
    # several have overwritten each other; none has to be known to pip
    if (
        importlib.util.find_spec('mmengine') is None
        or len(found) > 1
        or min(versions, default=_MINIMUM) < _MINIMUM
    ):
        listed = ' and '.join(f'{n} {v}' for n, v in found.items()) or 'none'
        raise MissingPackageError(
            f'mmcion needs a single mmengine >= 0.10; found {listed}. '
            'Uninstall that and run: pip install -r requirements/mminstall.txt'
        )
