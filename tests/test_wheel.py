"""The built wheel works in an environment of its own, outside a checkout."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from mmcion import __version__
from mmcion.utils.packaged import list_tools

from .tiny import write_identities, write_image

ROOT = Path(__file__).parents[1]
SOURCES = (
    *('mmcion', 'configs', 'tools', 'requirements'),
    *('README.md', 'pyproject.toml', 'setup.py'),
)
RECIPE = 'cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
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
            target = folder / 'src' / name
            shutil.copytree(ROOT / name, target, symlinks=True)
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


@pytest.fixture(scope='module')
def environment(tmp_path_factory):
    """Folder with the wheel installed in its folder ``venv``."""
    folder = tmp_path_factory.mktemp('wheel')
    (folder / 'src').mkdir()
    install(build_wheel(folder), folder / 'venv')
    return folder / 'venv' / 'bin'


def clean_variables():
    return {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}


@pytest.mark.slow
def test_two_images_with_the_built_wheel(environment, tmp_path):
    for seed, name in enumerate(('a.png', 'b.png')):
        write_image(tmp_path / name, seed)
    env = {**clean_variables(), 'MMCION_ZOO': 'zoo'}

    done = run(environment / 'python', '-c', USER, cwd=tmp_path, env=env)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '(2, 1280)'


@pytest.mark.slow
def test_the_wheel_has_all_configs_and_tools(environment):
    (mim,) = environment.parent.glob('lib/*/site-packages/mmcion/.mim')
    for folder in ('configs', 'tools'):
        here, there = (
            {
                path.relative_to(root)
                for path in (root / folder).rglob('*')
                if path.is_file() and path.suffix not in ('.md', '.pyc')
            }
            for root in (ROOT, mim)
        )
        assert here == there
    index = (ROOT / 'mmcion' / 'model-index.yml').read_bytes()
    assert (mim / 'model-index.yml').read_bytes() == index


@pytest.mark.slow
def test_commands_of_the_wheel_in_an_empty_folder(environment, tmp_path):
    """Train on our recipe as a base, evaluate, convert, as the README says."""

    def call(*words, status=0):
        done = run(
            environment / words[0],
            *words[1:],
            cwd=tmp_path,
            env=clean_variables(),
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    # every tool is there, as in the checkout, and comes from the wheel
    listed = call('mmcion', '--help')
    for name in list_tools():
        assert f'  {name} ' in listed
    usage = call('mmcion', 'extract-tracklets', '--help')
    assert usage.startswith('usage: mmcion extract-tracklets ')
    assert call('python', '-m', 'mmcion', '--version').strip() == __version__
    call('mmcion', 'trian', status=2)
    call('mmcion', 'train', 'none.py', status=1)

    # a config of the user's own, with one of ours as its base
    write_identities(tmp_path / 'people', (4,) * 8)
    mine = f"_base_ = 'mmcion::{RECIPE}'\ntrain_cfg = dict(max_epochs=1)\n"
    (tmp_path / 'mine.py').write_text(mine)
    options = (
        *('train_dataloader.batch_size=8', 'train_dataloader.num_workers=0'),
        'train_dataloader.batch_sampler.num_instances=2',
        'train_dataloader.dataset.ann_file=people/annotation',
        'train_dataloader.dataset.data_root=people',
        'train_dataloader.dataset.pipeline.1.global_size=(64,32)',
        'train_dataloader.dataset.pipeline.1.local_size=(32,16)',
    )
    call('mmcion', 'train', 'mine.py', '--cfg-options', *options)
    checkpoint = 'work_dirs/mine/epoch_1.pth'
    assert (tmp_path / checkpoint).is_file()

    # one of ours by its path in the repository
    rows = [
        f'{4 * pid + image}.png,{pid},{image % 2},{split}'
        for pid in range(8)
        for image, split in enumerate(('query', 'gallery') * 2)
    ]
    lines = ['path,pid,cam_id,split', *rows, '']
    (tmp_path / 'split.csv').write_text('\n'.join(lines))
    output = call(
        *('mmcion', 'test', 'configs/eval/zero-shot_mobilenet-v2_128x64.py'),
        *(checkpoint, '--out', 'scores.json', '--cfg-options'),
        'test_dataloader.dataset.ann_file=split.csv',
        *('test_dataloader.dataset.data_root=people',),
        *('test_dataloader.num_workers=0',),
    )
    assert '16 of 16' in output
    call('mmcion', 'publish-model', checkpoint, '--out', 'model.pth')

    # chains show commands to repeat, and leave the package alone
    failed = call(
        *('mmcion', 'pretrain-rounds', 'mine.py', '--table', 'none'),
        *('--work-dir', 'rounds'),
        status=1,
    )
    assert 'none' in failed
    left = {path.name for path in tmp_path.iterdir()}
    (model,) = tmp_path.glob('model_*.pth')  # named by its hash, too
    made = {'mine.py', 'people', 'scores.json', 'split.csv', 'work_dirs'}
    assert left == made | {model.name}


@pytest.mark.slow
def test_the_demo_of_the_wheel(environment, tmp_path):
    command = [environment / 'mmcion', 'quickstart', '--synthetic']
    done = run(*command, cwd=tmp_path, env=clean_variables())
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = done.stdout.splitlines()
    shown = [line for line in lines if line.startswith('$ ')]
    assert len(shown) == 10
    assert all(line.startswith('$ mmcion ') for line in shown)
    assert len(lines) < 200, 'the log belongs into files'
    assert (tmp_path / 'work_dirs/quickstart/report.html').is_file()
    # as shown, a command runs: here it finds its result and stops
    words = shlex.split(shown[0].removeprefix('$ '))
    done = run(
        environment / words[0], *words[1:], cwd=tmp_path, env=clean_variables()
    )
    assert done.returncode == 0, done.stderr
