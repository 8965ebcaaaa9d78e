import subprocess
import sys

import pytest

import mmcion

HEAVY = ('cv2', 'matplotlib', 'mmpretrain', 'numpy', 'timm', 'torch')
LOADED = """
import sys, time
start = time.perf_counter()
import mmcion
{use}
print(*(name for name in {heavy} if name in sys.modules))
print(f'{{time.perf_counter() - start:.3f}} s', file=sys.stderr)
"""


@pytest.mark.parametrize('use', ['', 'assert len(mmcion.list_models()) == 32'])
def test_import_is_light(use):
    code = LOADED.format(use=use, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
    print(f'import mmcion {use}: {done.stderr.strip()}')


@pytest.mark.parametrize('name', mmcion.__all__)
def test_public_names_exist(name):
    assert getattr(mmcion, name) is not None


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        mmcion.nonsense  # noqa: B018


def test_names_are_listed_before_they_are_imported():
    code = 'import mmcion; print(*dir(mmcion))'
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True
    )
    assert {*mmcion.__all__, 'datasets'} <= {*done.stdout.split()}
