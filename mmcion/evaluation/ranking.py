"""Rank the gallery for every query: AP, INP, CMC and the nearest images.

The rank of a match follows from the number of wrong images at most as far, so
the gallery is never sorted; memory is one block of queries times the gallery.

A wrong image exactly as far as a match counts as before it (pessimistic).

Shapes: V queries of a split (without junk), B queries of a block, G gallery
images, P pairs of a query and a match, R ranks, K nearest images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from mmengine.dist import get_dist_info

from mmcion.structures.matching import explain_no_match
from mmcion.utils.checks import UserError
from mmcion.utils.dist import all_gather_arrays
from mmcion.utils.neighbours import nearest_columns

from .distances import BLOCK
from .options import EvaluationOptions
from .protocols import EvaluationSplit, Labels

# Called with rows of queries and of the gallery (None: all), yields their
# distances, (B, G), for blocks of BLOCK queries. Blocks are overwritten.
Blocks = Callable[[np.ndarray, np.ndarray | None], Iterator[np.ndarray]]

_MANY_MATCHES = 64  # from here on, sorting the wrong images is faster


@dataclass
class QueryScores:
    """Scores of V queries; 0 where a query has no match.

    Attributes:
        ap: ``(V,)`` average precision.
        inp: ``(V,)`` inverse negative penalty: matches / rank of the last.
        hits: ``(V, R)`` chance of a match among the first images.
        num_matches: ``(V,)`` number of matches.
        is_tied: ``(V,)`` whether a wrong image is exactly as far as a match.
        nearest: ``(V, K)`` gallery rows that are not ignored, nearest first;
            -1 where there are fewer.
        distances: ``(V, K)`` their distances; infinite where there are fewer.
    """

    ap: np.ndarray
    inp: np.ndarray
    hits: np.ndarray
    num_matches: np.ndarray
    is_tied: np.ndarray
    nearest: np.ndarray
    distances: np.ndarray

    @property
    def cmc(self) -> np.ndarray:
        """``(R,)`` fractions of the valid queries with a match up to ranks."""
        valid = self.num_matches > 0
        # NumPy sums contiguous columns pairwise, with less rounding
        hits = np.asfortranarray(self.hits[valid])
        return hits.sum(axis=0) / max(valid.sum(), 1)

    def means(self, ranks: Sequence[int]) -> dict[str, float]:
        """Average over the valid queries; ``ranks`` are the first of the R."""
        valid = self.num_matches > 0
        num_valid = int(valid.sum())
        hits = zip(ranks, self.cmc.tolist(), strict=False)
        return {
            'mAP': float(self.ap[valid].sum() / max(num_valid, 1)),
            'mINP': float(self.inp[valid].sum() / max(num_valid, 1)),
            **{f'Rank-{rank}': value for rank, value in hits},
            'num_valid_queries': num_valid,
            'num_queries': len(valid),
            'num_tied_queries': int(self.is_tied.sum()),
        }


def rank_gallery(
    blocks: Blocks,
    labels: Labels,
    options: EvaluationOptions,
    *,
    distributed: bool = False,
) -> tuple[QueryScores, list[EvaluationSplit]]:
    """Return the splits of a protocol, and the means of scores over them.

    Matches and nearest images are those of the first. If ``distributed``,
    each rank of the process group ranks for a part of the queries.
    """
    splits = options.protocol.splits(labels, options.ignore_pids)
    check_matches(labels, splits[0])
    scores = []
    for split in splits:
        own = own_queries(len(split.queries), distributed)
        start = own.start
        # an empty block gives the columns their shapes where there is no query
        empty = np.empty((0, len(split.pids)))
        parts = [score_block(empty, split, 0, options)]
        for block in blocks(split.queries[own], split.gallery):
            parts.append(score_block(block, split, start, options))
            start += len(block)
        scores.append(_concatenate(parts, distributed))
    mean = replace(
        scores[0],
        ap=np.mean([each.ap for each in scores], axis=0),
        inp=np.mean([each.inp for each in scores], axis=0),
        hits=np.mean([each.hits for each in scores], axis=0),
        is_tied=np.any([each.is_tied for each in scores], axis=0),
    )
    return mean, splits


def own_queries(num_queries: int, distributed: bool) -> slice:
    """Return the queries of this process, whole blocks of them."""
    if not distributed:
        return slice(0, num_queries)
    rank, world_size = get_dist_info()
    # Blocks are the same for every number of processes, and so is the
    # rounding of their distances.
    num_blocks = -(-num_queries // BLOCK)
    start, stop = (num_blocks * r // world_size for r in (rank, rank + 1))
    return slice(start * BLOCK, min(stop * BLOCK, num_queries))


def _concatenate(parts: list[QueryScores], distributed: bool) -> QueryScores:
    """Join the scores of all blocks, and of all processes."""
    columns = {}
    for name in vars(parts[0]):
        own = np.concatenate([getattr(part, name) for part in parts])
        every = all_gather_arrays(own) if distributed else [own]
        columns[name] = np.concatenate(every)
    return QueryScores(**columns)


def score_block(
    block: np.ndarray,
    split: EvaluationSplit,
    start: int,
    options: EvaluationOptions,
) -> QueryScores:
    """Score a block of queries by their distances ``(B, G)``, overwritten.

    The first of them is query ``start`` of the split.
    """
    matches = split.matches.slice(start, start + len(block))
    ignored = split.ignored.slice(start, start + len(block))
    block[:, split.junk] = np.inf
    block[ignored.keys, ignored.values] = np.inf
    nearest, distances = _nearest(block, options.keep_nearest)

    query = matches.keys  # (P,)
    near = block[query, matches.values]
    near = near[np.lexsort((near, query))]  # by query, nearest match first
    block[query, matches.values] = np.inf  # leaves the wrong images
    num_wrong, is_tied = np.empty(len(near), int), np.zeros(len(block), bool)
    for row, (first, end) in enumerate(pairwise(matches.ptr)):
        at_most, below = _count_wrong(block[row], near[first:end])
        num_wrong[first:end] = at_most
        is_tied[row] = np.any(at_most != below)

    # the n-th match comes after n - 1 others and the wrong images before it
    number = np.arange(len(near)) - matches.ptr[query] + 1
    rank = num_wrong + number
    counts = np.diff(matches.ptr)
    valid = np.flatnonzero(counts)
    precision = np.bincount(query, number / rank, minlength=len(block))
    ap, inp = np.zeros((2, len(block)))
    ap[valid] = precision[valid] / counts[valid]
    # matches over the rank of the last, Ye et al., TPAMI 2021, section 4
    inp[valid] = counts[valid] / rank[matches.ptr[1:][valid] - 1]
    # (valid, 1) ranks of the first match against (R,)
    ranks = np.array(options.ranks)
    hits = np.zeros((len(block), len(ranks)))
    hits[valid] = rank[matches.ptr[valid], None] <= ranks
    if not options.protocol.cmc_by_image:
        # what is finite in a row by now are its wrong images
        for row in valid.tolist():
            own = near[matches.ptr[row] : matches.ptr[row + 1]]
            wrong = np.flatnonzero(np.isfinite(block[row]))
            hits[row] = options.protocol.hits(
                own, block[row, wrong], split.pids[wrong], ranks
            )
    return QueryScores(ap, inp, hits, counts, is_tied, nearest, distances)


def _nearest(block: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(B, K)`` gallery rows and distances, padded by -1 and inf."""
    nearest = np.full((len(block), keep), -1)
    distances = np.full((len(block), keep), np.inf)
    k = min(keep, block.shape[1])
    if k:
        rows = nearest_columns(torch.from_numpy(block), k).numpy()
        distances[:, :k] = np.take_along_axis(block, rows, axis=1)
        nearest[:, :k] = np.where(np.isfinite(distances[:, :k]), rows, -1)
    return nearest, distances


def _count_wrong(
    row: np.ndarray, near: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count the wrong images at most as far as each match, and nearer.

    ``row`` ``(G,)`` has the distances of the wrong images, infinite for all
    others, ``near`` ``(M,)`` those of the matches.
    """
    if len(near) > _MANY_MATCHES:
        row = np.sort(row)
        return row.searchsorted(near, 'right'), row.searchsorted(near, 'left')
    return (
        np.array([np.count_nonzero(row <= limit) for limit in near]),
        np.array([np.count_nonzero(row < limit) for limit in near]),
    )


def check_matches(labels: Labels, split: EvaluationSplit) -> None:
    """Raise ``UserError`` if no query has a match; says why."""
    if not len(split.matches.values):
        num_gallery = len(split.pids) - len(split.junk)
        shared = np.isin(labels.q_pids[split.queries], split.pids)
        reason = explain_no_match(len(shared), num_gallery, shared.sum())
        raise UserError(f'no query has a match: {reason}')
