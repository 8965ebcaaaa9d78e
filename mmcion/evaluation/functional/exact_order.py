"""The order of images that single precision cannot tell apart (ours)."""

from collections.abc import Mapping, Sequence

import numpy as np

from .distance import ExactDistances
from .tie_scores import TieGroups, joined, tie_groups


def exact_groups(
    exact: ExactDistances,
    queries: np.ndarray,
    ordered: np.ndarray,
    unsorted: np.ndarray,
    matches: Sequence[np.ndarray],
    unsure: Mapping[int, TieGroups],
) -> dict[int, TieGroups]:
    """Split groups of images that may tie into those that do.

    Args:
        exact: gives distances in double precision.
        queries: ``(B,)`` rows of the queries.
        ordered: ``(B, G)`` distances of each, sorted.
        unsorted: ``(B, G)`` the same by gallery rows.
        matches: gallery rows of the matches of each.
        unsure: what may tie, by number of the query in ``queries``.

    Returns:
        What ties in double precision.
    """
    parts = {
        i: [groups.only(number) for number in range(len(groups.size))]
        for i, groups in unsure.items()
    }
    windows = [
        (i, number, np.flatnonzero(_within(unsorted[i], ordered[i], part)))
        for i, each in parts.items()
        for number, part in enumerate(each)
        if part.size[0] > 1
    ]
    counts = [len(rows) for *_, rows in windows]
    owners = np.repeat([i for i, *_ in windows], counts).astype(np.int64)
    gallery = np.concatenate(
        [np.empty(0, np.int64), *(rows for *_, rows in windows)]
    )
    distances = exact.pairs(queries[owners], gallery)
    for (i, number, rows), own in zip(
        windows, np.split(distances, np.cumsum(counts)[:-1]), strict=False
    ):
        ordered_inside = np.sort(own)
        found = tie_groups(
            ordered_inside,
            np.sort(own[np.isin(rows, matches[i])]),
            exact.limit.at(queries[i], ordered_inside),
        )
        found.start += parts[i][number].start
        parts[i][number] = found
    return {i: joined(each) for i, each in parts.items()}


def _within(
    row: np.ndarray, ordered: np.ndarray, group: TieGroups
) -> np.ndarray:
    """Tell which entries of a row are in a group."""
    first, size = int(group.start[0]), int(group.size[0])
    low, high = ordered[first], ordered[first + size - 1]
    return (row >= low) & (row <= high)
