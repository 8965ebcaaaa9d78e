"""Labels and drawn queries are the same in every process."""

import json
import os
from pathlib import Path

import pytest

from ...dist_utils import run_on_ranks
from .trees import MARKET, build, rows_of, touch, write_tree

PERSONS = ('anna', 'bob', 'Carl', 'émile', 'zoe')
CSV = [
    'path,pid,cam_id',
    *(f'{n}.jpg,{37 * n % 11},{n % 3}' for n in range(60)),
]


def all_rows(root):
    """Return what four datasets say of their rows, as JSON."""
    root = Path(root)
    drawn = {'camera': '_c([0-9]+)', 'draw_queries': True}
    csv = {'ann_file': str(root / 'a.csv'), 'draw_queries': True}
    return json.dumps(
        [
            rows_of(build(name, root / folder, split, **options))
            for name, folder, split, options in (
                ('Market1501', 'market', 'train', {}),
                ('FolderReID', 'own', 'train', {}),
                ('FolderReID', 'own', 'test', drawn),
                ('ReIDDataset', '', 'test', csv),
            )
        ]
    )


def hash_and_rows(root):
    return hash('name'), all_rows(root)


@pytest.fixture
def root(tmp_path):
    write_tree(tmp_path / 'market', MARKET)
    names = [f'{p}/{n}_c{n % 3}.jpg' for p in PERSONS for n in range(6)]
    touch(tmp_path / 'own', *names)
    (tmp_path / 'a.csv').write_text('\n'.join(CSV))
    return tmp_path


def test_hash_seed_and_disk_order_change_nothing(root, monkeypatch):
    expected = all_rows(root)
    ((seeded, found),) = run_on_ranks(hash_and_rows, root, world_size=1)
    # the server that forks the ranks has a seed of its own
    assert seeded != hash('name') or 'PYTHONHASHSEED' in os.environ
    assert found == expected

    class Reversed:
        def __init__(self, path):
            with scandir(path) as entries:
                self.entries = iter(list(entries)[::-1])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def __iter__(self):
            return self

        def __next__(self):
            return next(self.entries)

    scandir, iterdir = os.scandir, Path.iterdir
    monkeypatch.setattr(os, 'scandir', Reversed)
    monkeypatch.setattr(
        Path, 'iterdir', lambda self: iter(list(iterdir(self))[::-1])
    )
    assert all_rows(root) == expected
