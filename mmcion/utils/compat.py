"""The only file that knows about versions of other packages."""

import importlib.metadata
import importlib.util

_DISTRIBUTIONS = ('onedl-mmengine', 'mmengine', 'mmengine-lite')
_MINIMUM = (0, 10)


def check_engine() -> None:
    """Check that mmengine is there, once, and in range.

    Raises:
        ImportError: if it is missing, too old, or if two distributions of it
            have overwritten each other; says what to install.
    """
    remedy = 'run: pip install -r requirements/mminstall.txt'
    if importlib.util.find_spec('mmengine') is None:
        raise ImportError(f'mmcion needs mmengine; {remedy}')
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if len(found) > 1:
        raise ImportError(
            f'{" and ".join(found)} share the import name mmengine and have '
            f'overwritten each other. Uninstall all of them, then {remedy}'
        )
    for name, version in found.items():
        if tuple(int(part) for part in version.split('.')[:2]) < _MINIMUM:
            raise ImportError(f'{name} {version} is too old; {remedy}')
