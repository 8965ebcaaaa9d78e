"""A map of what features take for similar: by person, and by camera."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from .charts import CHART_STYLE
from .palette import INK, LINE, MUTED, PAPER, SERIES
from .projection import project

MAX_POINTS = 500
# together with the shapes, so that colour is not needed
COLORS = (
    *SERIES[:5],
    '#1a9ba1', '#c4579b', '#8c6d31', '#4c5fd5', '#b59b00', '#6b7c8d',
    '#7a1f3d',
)  # fmt: skip
SHAPES = ('o', 's', '^', 'D', 'v', 'P', 'X', '<', '>', 'p', '*', 'h')
_NAMED = 18  # groups that a legend names
_NAMES = {'tsne': 't-SNE', 'umap': 'UMAP', 'pca': 'PCA'}
_GALLERY, _QUERY = 26, 62  # square points
# shares of the map's extent: how close half a group lies, and a number's size
_TOGETHER, _NUMBER_SIZE = 0.1, (0.06, 0.03)


def embedding_map(
    features: Any,
    pids: Any,
    cams: Any,
    is_query: Any,
    *,
    method: str = 'tsne',
    people: int | Sequence[int] = 12,
    seed: int = 0,
    max_points: int = MAX_POINTS,
) -> Figure:
    """Draw the images of a few people as points, similar ones close.

    On the left, colour and shape tell the person, whose number stands at the
    points where they lie together. On the right, the same points tell the
    camera: where they group by it, the features see the place rather than the
    person. The right side is left out if there is one camera only. Queries
    are larger and have a dark rim.

    Args:
        features: ``(N, D)``.
        pids: ``(N,)`` identities; negative ones are junk and left out.
        cams: ``(N,)`` cameras.
        is_query: ``(N,)`` bool.
        method: ``'tsne'``, ``'umap'`` or ``'pca'``, see ``project``.
        people: how many are drawn at random, of those that a query shows
            where there are queries and of those seen by several cameras
            where there are enough; or which.
        seed: of the choice and of the layout.
        max_points: at most so many; each person loses the same share, and
            queries stay before others.

    Returns:
        The figure; its axes hold one collection of points per group and
        kind (gallery, query), labelled by the group.

    Raises:
        ValueError: if columns differ in length, no image is left to draw, or
            as ``project``.
        ImportError: as ``project``.
    """
    features = np.asarray(features)
    columns = [np.asarray(each) for each in (pids, cams, is_query)]
    lengths = [len(features), *map(len, columns)]
    if len(set(lengths)) > 1:
        raise ValueError(
            f'features, pids, cams and is_query must have the same length; '
            f'got {lengths}.'
        )
    rows = sample_people(
        *columns, people=people, seed=seed, max_points=max_points
    )
    if not len(rows):
        raise ValueError(
            f'there is nobody to draw: none of the {len(features)} images '
            f'shows one of the people asked for.'
        )
    pid, cam, query = (column[rows] for column in columns)
    points = project(features[rows], method=method, seed=seed)
    sides = [('person', pid)]
    if len(np.unique(cam)) > 1:
        sides.append(('camera', cam))
    with matplotlib.rc_context({**CHART_STYLE, 'axes.grid': False}):
        figure = Figure(figsize=(9.6, 5.6), layout='constrained')
        panels = figure.subplots(1, len(sides), squeeze=False)[0]
        for axes, (what, groups) in zip(panels, sides, strict=True):
            _draw_groups(axes, points, groups, query.astype(bool), what)
            if what == 'person':
                _write_numbers(axes, points, groups)
        figure.supxlabel(
            f'{_NAMES[method]} of {len(rows):,} images; large with a dark '
            f'rim: query',
            fontsize=9,
            color=MUTED,
        )
    return figure


def sample_people(
    pids: np.ndarray,
    cams: np.ndarray,
    is_query: np.ndarray,
    *,
    people: int | Sequence[int],
    seed: int = 0,
    max_points: int = MAX_POINTS,
) -> np.ndarray:
    """Choose the images of a few people.

    Args:
        pids: as for ``embedding_map``, like all that follows.
        cams: ``(N,)`` cameras.
        is_query: ``(N,)`` bool.
        people: how many, or which.
        seed: of the choice.
        max_points: at most so many images.

    Returns:
        Rows, ascending.
    """
    rng = np.random.default_rng(seed)
    if isinstance(people, int | np.integer):
        chosen = _choose(pids, cams, is_query.astype(bool), int(people), rng)
    else:
        chosen = np.unique(np.asarray(people))
    chosen = chosen[chosen >= 0]
    total = int(np.isin(pids, chosen).sum())
    share = min(1.0, max_points / max(total, 1))
    rows: list[int] = []
    for pid in chosen:
        own = rng.permutation(np.flatnonzero(pids == pid))
        own = own[np.argsort(~is_query.astype(bool)[own], kind='stable')]
        rows += own[: max(1, int(share * len(own)))].tolist()
    return np.sort(np.array(rows[:max_points], int))


def _choose(
    pids: np.ndarray,
    cams: np.ndarray,
    is_query: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw people, those with a query and of several cameras first."""
    asked = is_query if is_query.any() else np.ones_like(is_query)
    candidates = rng.permutation(np.unique(pids[asked & (pids >= 0)]))
    pairs = np.unique(np.stack([pids, cams], 1), axis=0)
    known, cameras = np.unique(pairs[:, 0], return_counts=True)
    several = cameras[np.searchsorted(known, candidates)] > 1
    order = np.argsort(~several, kind='stable')
    return np.sort(candidates[order][:count])


def _draw_groups(
    axes: Axes,
    points: np.ndarray,
    groups: np.ndarray,
    is_query: np.ndarray,
    what: str,
) -> None:
    """Draw points of each group in its colour and shape."""
    names = np.unique(groups)
    for i, name in enumerate(names):
        color, shape = _look(i)
        for query in (False, True):
            x, y = points[(groups == name) & (is_query == query)].T
            if len(x):
                axes.scatter(
                    x,
                    y,
                    s=_QUERY if query else _GALLERY,
                    marker=shape,
                    color=color,
                    alpha=1 if query else 0.65,
                    edgecolors=INK if query else 'none',
                    linewidths=1.2 if query else 0,
                    zorder=3 if query else 2,
                    label=str(name),
                )
    axes.set_title(f'by {what}', loc='left', fontsize=11, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.06)
    for spine in axes.spines.values():
        spine.set(visible=True, color=LINE)
    _name_groups(axes, names[:_NAMED], len(names), what)


def _name_groups(
    axes: Axes, names: Iterable[Any], total: int, what: str
) -> None:
    """Name groups below the points."""
    handles = []
    for i, name in enumerate(names):
        color, shape = _look(i)
        handles.append(
            Line2D([], [], color=color, marker=shape, ls='', label=f'{name}')
        )
    left_out = total - len(handles)
    axes.legend(
        handles=handles,
        title=what + (f' ({left_out} more)' if left_out > 0 else ''),
        loc='upper center',
        bbox_to_anchor=(0.5, -0.01),
        ncols=6,
        fontsize=9,
        title_fontsize=9,
        labelcolor=INK,
        handletextpad=0.1,
        columnspacing=1.0,
    )


def _write_numbers(axes: Axes, points: np.ndarray, groups: np.ndarray) -> None:
    """Write the number of each group whose points lie together.

    It stands at the point nearest to all others, and is left out where
    another number stands already.
    """
    extent = np.ptp(points, axis=0).max() or 1.0
    taken = np.zeros((0, 2))
    for i, name in enumerate(np.unique(groups)):
        own = points[groups == name]
        middle = own[np.abs(own - np.median(own, axis=0)).sum(1).argmin()]
        away = np.linalg.norm(own - middle, axis=1) / extent
        apart = np.abs(taken - middle) / extent > _NUMBER_SIZE
        if np.median(away) > _TOGETHER or not apart.any(axis=1).all():
            continue
        taken = np.concatenate([taken, middle[None]])
        axes.annotate(
            f'{name}',
            middle,
            xytext=(0, 8),
            textcoords='offset points',
            ha='center',
            fontsize=10,
            weight='bold',
            color=_look(i)[0],
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
            zorder=4,
        )


def _look(group: int) -> tuple[str, str]:
    """Return colour and shape; all pairs differ up to 144 groups."""
    turn = group // len(COLORS)
    return COLORS[group % len(COLORS)], SHAPES[(group + turn) % len(SHAPES)]
