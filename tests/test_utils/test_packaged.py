from pathlib import Path

import pytest
from mmengine.config import Config

import mmcion
from mmcion.utils.cli import read_config
from mmcion.utils.packaged import (
    MIM,
    drop_own_scope,
    find_config,
    list_tools,
    name_commands,
    show_command,
)

ROOT = Path(__file__).parents[2]
RECIPE = 'cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'


def test_links_lead_to_the_checkout():
    for name in ('configs', 'tools', 'model-index.yml'):
        assert (MIM / name).is_symlink()
    assert (MIM / 'configs').resolve() == ROOT / 'configs'
    assert (MIM / 'tools').resolve() == ROOT / 'tools'


def test_a_file_comes_before_our_config_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = f'configs/{RECIPE}'
    ours = MIM / name
    assert find_config(name) == str(ours)
    assert find_config(f'mmcion::{RECIPE}') == str(ours)
    for other in ('configs/none.py', RECIPE, '/configs/none.py'):
        assert find_config(other) == other
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    assert find_config(name) == name


def test_our_configs_are_a_base(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(
        f"_base_ = 'mmcion::{RECIPE}'\nrandomness = dict(seed=7)\n"
    )
    cfg = read_config(path)
    expected = Config.fromfile(ROOT / 'configs' / RECIPE)
    expected.randomness = {'seed': 7}
    assert cfg._cfg_dict == expected._cfg_dict
    # mmengine alone marks all parts, for other default scopes
    assert Config.fromfile(path).model['_scope_'] == 'mmcion'


def test_own_scope_is_dropped_everywhere():
    cfg = {'a': [{'_scope_': 'mmcion', 'b': ({'_scope_': 'mmcion'},)}]}
    cfg['c'] = {'_scope_': 'mmdet'}
    drop_own_scope(cfg)
    assert cfg == {'a': [{'b': ({},)}], 'c': {'_scope_': 'mmdet'}}


def test_every_tool_has_a_command():
    tools = list_tools()
    names = {path.stem for path in tools.values()}
    here = [*(ROOT / 'tools').rglob('*.py'), *(ROOT / 'tools').rglob('*.sh')]
    assert {path.stem for path in here} - names == {'make_venv', 'model_table'}
    assert len(tools) == len(here) - 2  # no two have one name
    assert tools['extract-tracklets'].name == 'extract_tracklets.py'


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('  python tools/test.py a.py \\', '  mmcion test a.py \\'),
        ('python tools/dataset_converters/a_b.py', 'mmcion a-b'),
        ('bash tools/dist_train.sh C 8', 'mmcion dist-train C 8'),
        ('../x/tools/train.py', 'mmcion train'),
        ('mytools/a.py tools/a.pyc', 'mytools/a.py tools/a.pyc'),
    ],
)
def test_calls_become_commands(text, expected):
    assert name_commands(text) == expected


def test_a_tool_of_the_wheel_is_shown_as_a_command():
    words = ['tools/test.py', 'a b.py', '--out', '../x/tools/train.py']
    shown = "test.py 'a b.py' --out ../x/tools/train.py"
    assert show_command(words) == f'python tools/{shown}'
    words[0] = '../my lib/mmcion/.mim/tools/test.py'
    assert show_command(words) == 'mmcion ' + shown.replace('.py', '', 1)


def test_models_are_found_by_the_index_that_mmengine_reads():
    assert len(mmcion.list_models()) == 32
    assert 'Import' in (MIM / 'model-index.yml').read_text()
