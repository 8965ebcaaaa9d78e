import numpy as np
import pytest

from mmcion.denoising import SingleTrackletDenoiser
from mmcion.denoising.functional import consistent_rows
from mmcion.structures import IdentityLabels, TrackletTable

from .planted import assert_valid, plant, random_case, store


@pytest.mark.parametrize('seed', range(8))
def test_every_tracklet_is_cleaned_alone(seed):
    table, features, labels = random_case(seed)
    sigma = 0.3

    result = SingleTrackletDenoiser(sigma, min_images=2)(
        table, features, labels
    )

    assert_valid(table, labels, result)
    assert not result.keep[~labels.keep].any()
    removed = dissolved = 0
    for k in np.unique(labels.identity[labels.keep]):
        rows = np.flatnonzero(labels.identity == k)
        keep = consistent_rows(features[rows], sigma)
        if keep.sum() < 2:
            keep[:] = False
            dissolved += 1
        removed += (~keep).sum()
        assert np.array_equal(result.keep[rows], keep)
        assert len(np.unique(result.identity[rows[keep]])) <= 1
    assert result.report == {
        'removed_images': removed,
        'dissolved_identities': dissolved,
    }
    assert result.num_identities == labels.num_identities - dissolved


def test_inputs_stay_as_they_are():
    table, features, labels = random_case(0)
    before = labels.identity.copy()
    SingleTrackletDenoiser(0.2)(table, features, labels)
    assert np.array_equal(labels.identity, before)


def test_foreign_images_go_and_own_images_stay():
    case = plant(0, videos=1, pieces=1, length=30)
    labels = IdentityLabels.from_tracklets(case.table)
    result = SingleTrackletDenoiser(0.3)(case.table, case.features, labels)
    own = case.pid < 8
    assert result.keep[own].mean() > 0.98
    assert result.keep[~own].mean() < 0.02


def test_small_rest_is_dissolved():
    table = TrackletTable.from_columns(
        video_id=[0] * 5, tracklet_id=[0, 0, 0, 1, 2], frame=[0, 1, 2, 0, 0]
    )
    features = store([[1, 0], [1, 0], [0, 1], [1, 1], [1, 0]])
    labels = IdentityLabels.from_tracklets(table)
    result = SingleTrackletDenoiser(0.1, min_images=2)(table, features, labels)
    assert result.identity.tolist() == [0, 0, -1, -1, -1]
    assert result.report['dissolved_identities'] == 2


@pytest.mark.parametrize('sigma', ['auto', 0, -1, 2.1, float('nan')])
def test_sigma_must_be_a_distance(sigma):
    with pytest.raises(ValueError, match=r'sigma is a cosine distance'):
        SingleTrackletDenoiser(sigma)
