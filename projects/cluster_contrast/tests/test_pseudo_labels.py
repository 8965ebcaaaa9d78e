import numpy as np
import pytest

from mmcion.utils.checks import UserError
from tests.golden import read_golden
from tests.test_evaluation.test_k_reciprocal import golden_features

from ..cluster_contrast import cluster_centers, cluster_images


def test_golden_clusters():
    case = read_golden('cluster_contrast')['k_reciprocal_jaccard']
    params, outputs = case['params'], case['outputs']
    feats = golden_features(case).numpy()
    for eps, name in ((0.6, ''), (0.3, '_eps_0_3')):
        labels = cluster_images(feats, eps, 4, params['k1'], params['k2'])
        assert labels.tolist() == outputs[f'dbscan_labels{name}']


def test_centres_are_normalised_means():
    rng = np.random.default_rng(0)
    feats = rng.standard_normal((30, 5))
    labels = rng.permutation(np.repeat([-1, 0, 1, 2, 3], [8, 10, 1, 6, 5]))
    found = cluster_centers(feats, labels)
    for label, center in enumerate(found):
        mean = feats[labels == label].mean(0)
        np.testing.assert_allclose(center, mean / np.linalg.norm(mean))
    assert len(found) == 4


def test_outliers_alone_have_no_centres():
    found = cluster_centers(np.ones((3, 5)), np.full(3, -1))
    assert found.shape == (0, 5)


def test_fewer_images_than_neighbours_are_refused():
    with pytest.raises(UserError, match=r'k1.*30'):
        cluster_images(np.eye(8), 0.6)
