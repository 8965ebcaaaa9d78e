import shutil

import numpy as np
import pytest

from mmcion.structures import FeatureStore, TrackletTable

from ..tool_utils import run_tool
from .conftest import state


def test_features_of_every_row_then_nothing_to_do(recording, tmp_path):
    command = (
        *('extract_features.py', recording / 'table', '--out', 'features'),
        *('--num-workers', 0),
    )
    done = run_tool(*command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'features: 60 features of 336 dimensions' in done.stdout
    table = TrackletTable.load(recording / 'table')
    store = FeatureStore.open(tmp_path / 'features')
    assert len(store) == len(table)
    inner = store[:] @ store[:].T
    same = table.tracklet_id[:, None] == table.tracklet_id
    assert inner[same].min() > inner[~same].max()

    before = state(tmp_path)
    again = run_tool(*command, cwd=tmp_path)

    assert again.returncode == 0, again.stderr
    assert 'features are there already' in again.stdout + again.stderr
    assert state(tmp_path) == before
    found = FeatureStore.open(tmp_path / 'features')
    assert np.array_equal(found[:], store[:])


@pytest.mark.slow
def test_unreadable_images(recording, tmp_path):
    shutil.copytree(recording, tmp_path / 'recording')
    table = TrackletTable.load(tmp_path / 'recording' / 'table')
    table.image_path(7).write_bytes(b'no image')
    command = (
        *('extract_features.py', 'recording/table', '--out', 'features'),
        *('--num-workers', 0),
    )

    refused = run_tool(*command, cwd=tmp_path)
    done = run_tool(*command, '--max-unreadable', 1, cwd=tmp_path)

    assert refused.returncode == 1
    assert str(table.image_path(7)) in refused.stderr
    assert done.returncode == 0, done.stderr
    assert '1 of 60 images cannot be read' in done.stdout + done.stderr
    assert '60 features of 336 dimensions, 1 of them zero' in done.stdout
    store = FeatureStore.open(tmp_path / 'features')
    assert store.unreadable.tolist() == [7]


def test_missing_table_is_one_message(tmp_path):
    done = run_tool(
        'extract_features.py', 'nowhere', '--out', 'features', cwd=tmp_path
    )
    assert done.returncode == 1
    assert 'TrackletTable nowhere' in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'features').exists()
