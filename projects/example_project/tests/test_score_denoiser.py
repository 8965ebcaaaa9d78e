from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.structures import FeatureStore, IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError

from ..example_project import ScoreDenoiser

CONFIG = Path(__file__).parents[1] / 'configs' / 'score-then-three-levels.py'


def make_table(score):
    return TrackletTable.from_columns(
        video_id=[0, 0, 0, 0],
        tracklet_id=[0, 0, 1, 1],
        frame=[0, 1, 0, 1],
        score=score,
    )


def test_images_of_low_scores_are_pooled():
    table = make_table([0.9, 0.4, 0.6, 0.8])
    features = FeatureStore(np.eye(4))
    labels = IdentityLabels.from_tracklets(table)
    result = ScoreDenoiser(0.5)(table, features, labels)
    assert result.identity.tolist() == [0, -1, 1, 1]
    assert result.report == {'removed_images': 1}
    assert labels.identity.tolist() == [0, 0, 1, 1]


def test_scores_are_needed():
    table = make_table(None)
    labels = IdentityLabels.from_tracklets(table)
    with pytest.raises(UserError, match='scores'):
        ScoreDenoiser(0.5)(table, FeatureStore(np.eye(4)), labels)


def test_score_must_be_a_score():
    with pytest.raises(UserError, match=r'1\.5'):
        ScoreDenoiser(1.5)


def test_config_puts_it_first():
    stages = Config.fromfile(CONFIG).pipeline
    assert [stage.type for stage in stages] == [
        'ScoreDenoiser',
        'SingleTrackletDenoiser',
        'SingleVideoDenoiser',
        'CrossVideoDenoiser',
    ]
