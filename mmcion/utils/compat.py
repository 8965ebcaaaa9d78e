"""The only file that knows about versions of other packages."""

import importlib.metadata
import importlib.util
import warnings

_DISTRIBUTIONS = ('onedl-mmengine', 'mmengine', 'mmengine-lite')
_MINIMUM = (0, 10)


def quiet_known_warnings() -> None:
    """Silence warnings of dependencies that no user can act on."""
    # mmcv without compiled operators, which mmcion never uses
    warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeform')


def check_engine() -> None:
    """Check that mmengine is installed once and in a version that we know.

    Raises:
        ImportError: If it is missing, too old, or if two distributions of it
            have overwritten each other; says what to install.
    """
    hint = 'run: pip install -r requirements/mminstall.txt'
    if importlib.util.find_spec('mmengine') is None:
        raise ImportError(f'mmcion needs mmengine; {hint}')
    # forks share the import name, so they are told apart by what pip knows
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(found) > 1:
        raise ImportError(
            f'{" and ".join(found)} share the import name mmengine and have '
            f'overwritten each other. Uninstall all of them, then {hint}'
        )
    for name, version in found.items():
        if tuple(int(part) for part in version.split('.')[:2]) < _MINIMUM:
            raise ImportError(f'{name} {version} is too old; {hint}')
