from pathlib import Path

import pytest

from mmcion.apis import zoo_index
from mmcion.apis.zoo_index import list_models, read_index
from mmcion.models import list_architectures

ROOT = Path(__file__).parents[2]


def test_the_32_models():
    names = [f'cion_{name}' for name in list_architectures()]
    assert list_models() == names
    assert list(read_index()) == names


@pytest.mark.parametrize(
    ('pattern', 'names'),
    [
        ('cion_vit_*', ['cion_vit_tiny', 'cion_vit_small', 'cion_vit_base']),
        ('*M0-9', ['cion_repvit_m0_9']),
        ('cion-resnet50-ibn', ['cion_resnet50_ibn']),
        ('resnet*', []),
    ],
)
def test_names_by_pattern(pattern, names):
    assert list_models(pattern) == names


def test_entries_are_complete_and_invent_nothing():
    for name, entry in read_index().items():
        assert entry.name == name == f'cion_{entry.arch}'
        assert entry.file == f'{name}.pth'
        assert (entry.input_size, entry.url, entry.sha256) == (
            [256, 128],
            None,
            None,
        )
        assert entry.mean == [0.485, 0.456, 0.406]
        assert entry.std == [0.229, 0.224, 0.225]
        assert 'CION-AL' in entry.pretraining
        assert 'no redistribution, no modification' in entry.license
        assert 'gated' in entry.obtain
        assert (ROOT / entry.config).is_file()
        hyphens = entry.arch.replace('_', '-')
        assert Path(entry.config).name.startswith(f'cion_{hyphens}_')


def test_exceptions_replace_defaults(tmp_path, monkeypatch):
    text = zoo_index.INDEX.read_text()
    changed = tmp_path / 'index.yml'
    changed.write_text(
        text.replace('exceptions: {}', 'exceptions: {vit_tiny: {sha256: a1}}')
    )
    monkeypatch.setattr(zoo_index, 'INDEX', changed)
    index = read_index()
    assert index['cion_vit_tiny'].sha256 == 'a1'
    assert index['cion_vit_small'].sha256 is None


def test_url_has_a_hash():
    for entry in read_index().values():
        assert entry.sha256 or not entry.url
