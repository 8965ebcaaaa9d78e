"""The built wheel works in an environment of its own, outside a checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .tiny import write_image

ROOT = Path(__file__).parents[1]
SOURCES = ('mmcion', 'requirements', 'README.md', 'pyproject.toml', 'setup.py')
USER = """
import sys
import mmcion
from mmcion.models.weights import save_model_file

assert mmcion.__file__.startswith(sys.prefix), mmcion.__file__
assert len(mmcion.list_models()) == 32
name = 'cion_ghostnet_0_5'
model = mmcion.get_model(name)
save_model_file(f'zoo/{name}.pth', model, model.spec)
features = mmcion.FeatureExtractor(name)(['a.png', 'b.png'])
print(features.shape)
"""


def run(*command, **options):
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        **options,
    )


def build_wheel(folder):
    """Build from a copy, which setuptools may litter."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / 'src' / name)
        else:
            shutil.copy(ROOT / name, folder / 'src')
    pip = (sys.executable, '-m', 'pip', 'wheel', '--no-deps')
    done = run(*pip, '--wheel-dir', folder, folder / 'src')
    if 'No matching distribution found for setuptools' in done.stderr:
        pytest.skip('pip finds no setuptools to build with')
    assert done.returncode == 0, done.stderr
    return next(folder.glob('mmcion-*.whl'))


def install(wheel, venv):
    """Install the wheel alone; its dependencies are those of this Python.

    A path in a .pth file brings packages, but not the .pth files beside them,
    so a checkout that is installed here stays out.
    """
    run(sys.executable, '-m', 'venv', '--without-pip', venv, check=True)
    python = venv / 'bin' / 'python'
    pip = (sys.executable, '-m', 'pip', '--python', python)
    run(*pip, 'install', '--no-deps', '--no-index', wheel, check=True)
    packages = next(venv.glob('lib/python*/site-packages'))
    dependencies = sysconfig.get_paths()['purelib']
    (packages / 'dependencies.pth').write_text(dependencies + '\n')
    return python


@pytest.mark.slow
def test_two_images_with_the_built_wheel(tmp_path):
    (tmp_path / 'src').mkdir()
    python = install(build_wheel(tmp_path), tmp_path / 'venv')
    away = tmp_path / 'away'
    for seed, name in enumerate(('a.png', 'b.png')):
        write_image(away / name, seed)
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    env['MMCION_ZOO'] = 'zoo'

    done = run(python, '-c', USER, cwd=away, env=env)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '(2, 1280)'
