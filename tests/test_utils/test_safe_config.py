import pytest
import yaml
from mmengine.config import Config

from mmcion.utils import safe_config
from mmcion.utils.checks import UserError
from mmcion.utils.cli import read_config

CODE = '!!python/object/apply:os.system ["touch {}"]'


@pytest.mark.parametrize('suffix', ['.yaml', '.yml'])
def test_yaml_runs_no_code(tmp_path, suffix):
    trace, path = tmp_path / 'trace', tmp_path / f'a{suffix}'
    path.write_text(f'model: {CODE.format(trace)}\n')

    with pytest.raises(UserError, match='could not determine a constructor'):
        read_config(path)
    with pytest.raises(yaml.YAMLError):  # as mmdet reads configs
        Config.fromfile(path)
    assert not trace.exists()


@pytest.mark.parametrize('bases', [['a.json'], ['a.yaml'], ['code.py']])
def test_data_inherit_from_data_only(tmp_path, bases):
    trace = tmp_path / 'trace'
    (tmp_path / 'code.py').write_text(f'open({str(trace)!r}, "w")\n')
    (tmp_path / 'a.json').write_text('{"_base_": "code.py"}')
    (tmp_path / 'a.yaml').write_text('_base_: [code.py]')
    path = tmp_path / 'mine.json'
    path.write_text(f'{{"_base_": "{bases[0]}"}}')

    with pytest.raises(UserError, match=r'code\.py'):
        read_config(path)
    assert not trace.exists()


@pytest.mark.parametrize('suffix', ['.py', '.json', '.yaml'])
def test_what_mmengine_writes_is_read(tmp_path, suffix):
    cfg = Config({'model': {'type': 'A'}, 'size': (256, 128), 'lr': 1e-3})
    cfg.dump(tmp_path / f'a{suffix}')
    (tmp_path / f'b{suffix}').write_text(
        {'.py': '_base_ = {!r}', '.json': '{{"_base_": "{}"}}'}.get(
            suffix, '_base_: {}'
        ).format(f'a{suffix}')
    )

    found = read_config(tmp_path / f'b{suffix}')

    assert list(found.size) == [256, 128]
    assert found.model.type == 'A'


def test_tuples_are_read():
    found = yaml.load('!!python/tuple [1, [2]]', safe_config.DataLoader)
    assert found == (1, [2])
