import numpy as np
import pytest

from mmcion.denoising.base_denoiser import (
    check_threshold,
    group_rows,
    sum_features,
)

from .planted import store


@pytest.mark.parametrize('seed', range(5))
def test_group_rows_in_order_without_the_pool(seed):
    identity = np.random.default_rng(seed).integers(-1, 7, 40)
    rows = group_rows(identity)
    assert len(rows) == identity.max() + 1
    for k, own in enumerate(rows):
        assert own.tolist() == np.flatnonzero(identity == k).tolist()


@pytest.mark.parametrize('identity', [[], [-1, -1]])
def test_no_identities_no_groups(identity):
    assert group_rows(np.array(identity, np.int32)) == []


@pytest.mark.parametrize('block', [1, 7, 1000])
def test_sums_of_any_block_size(block):
    rng = np.random.default_rng(0)
    features = store(rng.normal(size=(30, 4)))
    identity = rng.integers(-1, 5, 30)
    sums = sum_features(features, identity, block)
    for k in range(5):
        expected = features[identity == k].sum(0, dtype=np.float64)
        np.testing.assert_allclose(sums[k], expected, atol=1e-12)


@pytest.mark.parametrize('value', [0, 2.01, 'auto'])
def test_threshold_names_itself_and_its_range(value):
    with pytest.raises(ValueError, match=r'delta is .* in \(0, 2\]'):
        check_threshold('delta', value)
    assert check_threshold('delta', 2) == 2.0
