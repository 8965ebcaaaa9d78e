import itertools

import numpy as np
import pytest

from mmcion.evaluation.functional.tie_scores import (
    TieGroups,
    harmonic_numbers,
    hit_probability,
    mean_average_precision,
    mean_inverse_penalty,
    tie_groups,
)


def every_list(start, size, matches):
    """All ranked lists of one tie group, nearer images being wrong."""
    for places in itertools.combinations(range(size), matches):
        ranks = start + 1 + np.array(places)
        yield ranks


@pytest.mark.parametrize('start', [0, 3])
@pytest.mark.parametrize(
    ('size', 'matches'), [(1, 1), (2, 1), (2, 2), (5, 1), (5, 5), (7, 3)]
)
def test_one_group_equals_the_mean_over_its_orders(start, size, matches):
    groups = TieGroups(*(np.array([n]) for n in (start, size, matches)))
    ranks = np.array(list(every_list(start, size, matches)))
    precision = np.arange(1, matches + 1) / ranks
    assert mean_average_precision(
        groups, harmonic_numbers(start + size)
    ) == pytest.approx(precision.mean(), abs=1e-12)
    assert mean_inverse_penalty(groups) == pytest.approx(
        (matches / ranks[:, -1]).mean(), abs=1e-12
    )
    for k in (1, 4, 20):
        assert hit_probability(groups, k) == pytest.approx(
            (ranks[:, 0] <= k).mean(), abs=1e-12
        )


def test_groups_of_a_row():
    row = np.array([0.1, 0.2, 0.2, 0.2, 0.5, 0.5, 0.9])
    groups = tie_groups(
        row, np.array([0.2, 0.2, 0.9]), np.full(len(row), 1e-6)
    )
    assert groups.start.tolist() == [1, 6]
    assert groups.size.tolist() == [3, 1]
    assert groups.matches.tolist() == [2, 1]
    assert groups.before.tolist() == [0, 2]
    assert groups.mixed
    worst = groups.pessimistic()
    assert (worst.start.tolist(), worst.size.tolist()) == ([2, 6], [2, 1])
    assert not worst.mixed


def test_rounding_does_not_split_a_tie():
    row = np.array([0.2, 0.2 + 1e-13, 0.3])
    groups = tie_groups(row, row[1:2], np.full(len(row), 1e-12))
    assert (groups.start.tolist(), groups.size.tolist()) == ([0], [2])


def test_a_tie_of_ten_thousand_is_finite():
    groups = TieGroups(*(np.array([n]) for n in (5000, 10000, 3000)))
    harmonic = harmonic_numbers(15000)
    assert 0 < mean_average_precision(groups, harmonic) < 0.3
    assert mean_inverse_penalty(groups) == pytest.approx(0.2, abs=1e-3)
