import numpy as np
import pytest

import mmcion
from mmcion.structures import FeatureStore, TrackletTable

CONFIG = {
    'pipeline': [{'type': 'SingleTrackletDenoiser', 'sigma': 0.5}],
    'center': False,
}


@pytest.fixture
def table():
    return TrackletTable.from_columns(
        video_id=[0] * 5, tracklet_id=[0] * 5, frame=range(5)
    )


def test_array_and_store_give_the_same(table):
    feats = np.eye(2, dtype=np.float32)[[0, 0, 1, 0, 0]]
    labels = mmcion.denoise(table, feats, CONFIG)
    assert labels.identity.tolist() == [0, 0, -1, 0, 0]
    assert labels.keep.tolist() == [True, True, False, True, True]
    assert labels.report['levels'][1]['removed_images'] == 1
    store = FeatureStore(feats)
    again = mmcion.denoise(table, store, CONFIG)
    assert (again.identity == labels.identity).all()


def test_config_may_be_a_file(table, tmp_path):
    file = tmp_path / 'config.py'
    file.write_text(f'pipeline = {CONFIG["pipeline"]}\n')
    feats = np.eye(2, dtype=np.float32)[[0, 0, 1, 0, 0]]
    labels = mmcion.denoise(table, feats, file)
    assert labels.num_identities == 1


def test_centre_is_taken_from_the_config(table):
    # all alike but for what they share: centred, the last is on its own
    feats = np.array([[9, 1], [9, 1], [9, 1], [9, 1], [9, -1]], float)
    plain = mmcion.denoise(table, feats, CONFIG)
    assert plain.keep.all()
    centred = mmcion.denoise(table, feats, {**CONFIG, 'center': True})
    assert centred.keep.tolist() == [True, True, True, True, False]


def test_rows_must_agree(table):
    with pytest.raises(ValueError, match='4 rows, the table has 5'):
        mmcion.denoise(table, np.eye(4), CONFIG)


def test_misspelt_keys_are_refused(table):
    with pytest.raises(ValueError, match=r"unknown here: \['centre'\]"):
        mmcion.denoise(table, np.eye(5), {**CONFIG, 'centre': True})
    with pytest.raises(ValueError, match='needs "pipeline"'):
        mmcion.denoise(table, np.eye(5), {'center': True})
