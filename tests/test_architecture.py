"""Rules that hold for the whole project; a failure names every offender."""

import ast
import inspect
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from mmengine.registry import Registry

from mmcion import registry

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
# `testing` is for tests, tools and `apis`: nothing else lists it
MAY_IMPORT = {
    'registry': set(),
    'version': set(),
    'utils': {'registry', 'utils'},
    'structures': {'registry', 'structures', 'utils'},
    **{name: BASE | {'structures', name} for name in SIBLINGS},
    'testing': BASE | {'structures', 'testing'},
    'apis': BASE | SIBLINGS | {'apis', 'structures', 'testing'},
    'adapters': BASE | {'adapters', 'apis'},
    '__init__': {'utils', 'version'},
    '__main__': {'utils', 'version'},
}
NO_TEST = {
    'mmcion/version.py': 'one constant',
}
MAX_LINES = 400
# to become 0: the package is installed in editable mode
MACHINE_PATH = re.compile(r'(?<![\w.$}])/(?:work|root|home/\w+|tmp/\w+)\b')


def relative(path):
    return path.relative_to(ROOT).as_posix()


@cache
def nodes(path):
    return list(ast.walk(ast.parse(path.read_text())))


def imported(path):
    """Yield the full name of everything that a module imports."""
    package = path.relative_to(ROOT).with_suffix('').parts[:-1]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1]
            parts = [*(start if node.level else ()), node.module or '']
            yield from (
                '.'.join(filter(None, (*parts, alias.name)))
                for alias in node.names
            )


def upward_imports(path):
    """Return what a module of the package imports, but must not."""
    package = path.relative_to(ROOT / 'mmcion').with_suffix('').parts[0]
    wrong = set()
    for name in imported(path):
        root, _, rest = name.partition('.')
        # `import mmcion` alone is wrong as well: import what is needed
        allowed = root != 'mmcion' or (
            rest.split('.')[0] in MAY_IMPORT[package]
        )
        if root in ('projects', 'tests', 'tools') or not allowed:
            wrong.add(name)
    return wrong


def tracked_files():
    """Return the files of the project, from git where there is one."""
    done = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip('not a git checkout')
    names = [name for name in done.stdout.split('\0') if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def assert_none(offenders):
    """Fail with every offender: pytest would shorten a dictionary."""
    lines = [f'{name}: {what}' for name, what in offenders.items() if what]
    assert not lines, '\n'.join(lines)


def test_imports_go_down_only():
    assert_none({relative(path): upward_imports(path) for path in MODULES})


def test_relative_imports_are_resolved():
    # the test above is worth nothing if this goes wrong
    names = set(imported(ROOT / 'mmcion' / 'denoising' / 'noise.py'))
    assert 'mmcion.structures.FeatureStore' in names
    assert 'mmcion.denoising.functional.normalise' in names


def test_files_stay_short():
    lengths = {
        relative(path): len(path.read_text().splitlines())
        for folder in ('mmcion', 'tools', 'tests', 'configs')
        for path in (ROOT / folder).rglob('*.py')
    }
    assert_none({p: n for p, n in lengths.items() if n > MAX_LINES})


def test_every_module_has_a_test_file():
    missing = set()
    for path in MODULES:
        *packages, name = path.relative_to(ROOT / 'mmcion').parts
        folder = ROOT / 'tests'
        if packages:
            folder = folder / f'test_{packages[0]}'
        if name != '__init__.py' and not list(folder.rglob(f'test_{name}')):
            missing.add(relative(path))
    assert missing == set(NO_TEST)


def test_package_logs_instead_of_printing():
    printing = {
        relative(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == 'print'
    }
    # a tool's last words go to stderr, not to a log; a chain shows commands
    # in between their output
    assert printing <= {'mmcion/utils/cli.py', 'mmcion/utils/chain.py'}


def test_tools_leave_sys_path_alone():
    touching = [
        relative(path)
        for path in TOOLS
        if any(
            isinstance(node, ast.Attribute) and ast.unparse(node) == 'sys.path'
            for node in nodes(path)
        )
    ]
    assert touching == []


def components():
    """Yield name and class or function of all that configs may name."""
    for parts in vars(registry).values():
        if isinstance(parts, Registry) and parts.scope == 'mmcion':
            parts.import_from_location()
            for name, part in parts.module_dict.items():
                if part.__module__.startswith('mmcion.'):
                    yield name, part


def undocumented(part):
    """Return the arguments that a component's own docstring leaves out."""
    make = vars(part).get('__init__') if isinstance(part, type) else part
    parameters = inspect.signature(make).parameters.values() if make else ()
    text = part.__doc__ or ''
    return [
        parameter.name
        for parameter in parameters
        if parameter.name != 'self'
        and parameter.kind
        not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and not re.search(rf'^ +{parameter.name}: \S', text, re.MULTILINE)
    ]


def test_components_document_their_arguments():
    found = dict(components())
    assert len(found) > 60
    assert_none({name: undocumented(part) for name, part in found.items()})


def test_no_paths_of_one_machine():
    found = {}
    for path in tracked_files():
        try:
            found[relative(path)] = MACHINE_PATH.findall(path.read_text())
        except UnicodeDecodeError:
            continue
    assert_none(found)


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
