"""The rules of the house that a reader relies on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / 'mmcion').rglob('*.py'))
TOOLS = sorted((ROOT / 'tools').rglob('*.py'))
SIBLINGS = {
    'datasets',
    'denoising',
    'engine',
    'evaluation',
    'models',
    'video',
    'visualization',
}
BASE = {'registry', 'utils', 'version'}
MAY_IMPORT = {
    'registry': set(),
    'version': set(),
    'utils': {'utils'},
    'structures': {'registry', 'structures', 'utils'},
    **{name: BASE | {'structures', name} for name in SIBLINGS},
    'testing': BASE | {'structures', 'testing'},
    'apis': BASE | SIBLINGS | {'apis', 'structures', 'testing'},
    '__init__': {'utils', 'version'},
}
NO_TEST = {
    'mmcion/version.py': 'one constant',
}
MACHINE_PATH = re.compile(r'(?<![\w.$}])/(?:work|root|home/\w+|tmp/\w+)\b')


def relative(paths):
    return [path.relative_to(ROOT).as_posix() for path in paths]


def imported(file):
    """Yield the full name of everything that a module imports."""
    package = file.relative_to(ROOT).with_suffix('').parts[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1]
            parts = [*(start if node.level else ()), node.module or '']
            yield from (
                '.'.join(filter(None, (*parts, alias.name)))
                for alias in node.names
            )


def tracked_files():
    """Return the files of the project, from git where there is one."""
    done = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip('not a git checkout')
    names = [name for name in done.stdout.split('\0') if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize('file', relative(MODULES))
def test_imports_go_down_only(file):
    path = ROOT / file
    part = path.relative_to(ROOT / 'mmcion').with_suffix('').parts[0]
    names = [name.split('.') for name in imported(path)]
    roots = {name[0] for name in names}
    assert not roots & {'projects', 'tests', 'tools'}
    parts = {name[1] for name in names if name[0] == 'mmcion' and name[1:]}
    assert ['mmcion'] not in names, 'import what is needed, by name'
    assert parts <= MAY_IMPORT[part]


def test_relative_imports_are_resolved():
    # the test above is worth nothing if this goes wrong
    names = set(imported(ROOT / 'mmcion' / 'denoising' / 'noise.py'))
    assert 'mmcion.structures.FeatureStore' in names
    assert 'mmcion.denoising.functional.normalise' in names


@pytest.mark.parametrize('folder', ['mmcion', 'tools', 'tests', 'configs'])
def test_files_stay_short(folder):
    lengths = {
        path: len(path.read_text().splitlines())
        for path in (ROOT / folder).rglob('*.py')
    }
    assert [path for path, lines in lengths.items() if lines > 400] == []


@pytest.mark.parametrize(
    'file',
    [
        name
        for name in relative(MODULES)
        if not name.endswith('__init__.py') and name not in NO_TEST
    ],
)
def test_every_module_has_a_test_file(file):
    *packages, name = Path(file).relative_to('mmcion').parts
    folder = ROOT / 'tests'
    if packages:
        folder = folder / f'test_{packages[0]}'
    assert list(folder.rglob(f'test_{name}'))


def test_exceptions_exist():
    assert set(NO_TEST) <= set(relative(MODULES))


@pytest.mark.parametrize('file', relative(MODULES))
def test_package_logs_instead_of_printing(file):
    calls = [
        node.lineno
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == 'print'
    ]
    # a tool's last words go to stderr, not to a log
    assert calls == [] or file == 'mmcion/utils/cli.py'


def test_no_paths_of_one_machine():
    found = {}
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if hits := MACHINE_PATH.findall(text):
            found[path.relative_to(ROOT).as_posix()] = hits
    assert found == {}


@pytest.mark.parametrize(
    ('text', 'hit'),
    [
        ('cd %s/main', True),
        ('"%s/.cache"', True),
        ('%s_dirs/cion', False),
        ('docker:%s/x', True),
        ('$HOME%s/x', False),
        ('a.b%s/x', False),
        ('my%s/x', False),
    ],
)
def test_pattern_of_machine_paths(text, hit):
    folder = '/'.join(('', 'work'))  # not written out: this file is tracked
    assert bool(MACHINE_PATH.search(text % folder)) == hit
