"""A map of what features take for similar: by identity, and by camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from mmcion.structures import ReIDFeatures

from .charts import in_style, new_axes
from .palette import COLORS

# colours and shapes go together, so that colour is not needed
_COLORS = (
    *('C0', 'C1', 'C2', 'C3', 'C4', '#1a9ba1', '#c4579b', '#8c6d31'),
    *('#4c5fd5', '#b59b00', '#6b7c8d', '#7a1f3d'),
)
_SHAPES = ('o', 's', '^', 'D', 'v', 'P', 'X', '<', '>', 'p', '*', 'h')
_NAMED = 18  # groups that the legend names
# fractions of the map: how close half of an identity is, size of its name
_CLOSE, _NAME_SIZE = 0.1, (0.06, 0.03)
_FEW = 4  # points below which t-SNE means nothing


@dataclass(frozen=True)
class EmbeddedImages:
    """M images as points of a plane."""

    xy: np.ndarray  # (M, 2)
    pid: np.ndarray  # (M,), as the others
    cam_id: np.ndarray
    is_query: np.ndarray

    @classmethod
    def from_features(
        cls,
        features: ReIDFeatures,
        *,
        identities: int = 12,
        max_images: int = 500,
        seed: int = 0,
    ) -> EmbeddedImages:
        """Draw some identities and lay their images out.

        Args:
            features: Features of queries and gallery.
            identities: Number of identities, at most: those of queries where
                there are queries, and those of several cameras first.
            max_images: Number of images, at most; each identity loses the
                same fraction, and its queries last.
            seed: Seed of the choice and of the layout.
        """
        rows = sample_rows(features, identities, max_images, seed)
        return cls(
            project(features.feature[rows], seed=seed),
            features.pid[rows],
            features.cam_id[rows],
            features.is_query[rows],
        )


def sample_rows(
    features: ReIDFeatures, identities: int, max_images: int, seed: int
) -> np.ndarray:
    """Return rows of some identities, see ``EmbeddedImages``."""
    rng = np.random.default_rng(seed)
    pid, cam_id = features.pid, features.cam_id
    is_query = features.is_query & (pid >= 0)
    searched = pid[is_query if is_query.any() else pid >= 0]
    candidates = rng.permutation(np.unique(searched))
    # one row per (identity, camera)
    pairs = np.unique(np.stack([pid, cam_id], axis=1), axis=0)
    known, cameras = np.unique(pairs[:, 0], return_counts=True)
    several = cameras[np.searchsorted(known, candidates)] > 1
    chosen = candidates[np.argsort(~several, kind='stable')][:identities]
    ratio = min(1.0, max_images / max(np.isin(pid, chosen).sum(), 1))
    rows: list[int] = []
    for one in chosen:
        own = rng.permutation(np.flatnonzero(pid == one))
        own = own[np.argsort(~features.is_query[own], kind='stable')]
        rows += own[: max(1, int(ratio * len(own)))].tolist()
    return np.sort(np.array(rows, int))


def project(features: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Lay features ``(N, D)`` out as ``(N, 2)``, by the angles between them.

    With t-SNE (van der Maaten and Hinton, JMLR 2008) neighbours stay
    neighbours, while distances between groups mean little. Fewer than four
    different features are laid out by their principal components. Equal input
    gives equal points on one machine.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    # unit vectors: identities are compared by the cosine
    points = np.asarray(features, np.float64)
    length = np.linalg.norm(points, axis=1, keepdims=True)
    points = points / np.where(length > 0, length, 1)
    different = len(np.unique(points, axis=0))
    if different < _FEW:
        xy = np.zeros((len(points), 2))
        if different > 1:
            components = min(2, *points.shape)
            pca = PCA(components, svd_solver='full')
            xy[:, :components] = pca.fit_transform(points)
        return xy
    tsne = TSNE(perplexity=min(30, (len(points) - 1) / 3), random_state=seed)
    # sums over several threads differ in their last digits, and then t-SNE
    # differs in all
    with threadpool_limits(1):
        return tsne.fit_transform(points)


@in_style
def embedding_map(
    images: EmbeddedImages, by: Literal['identity', 'camera']
) -> Figure:
    """Draw images as points, of one colour and shape per group.

    Queries are larger and have a dark rim. The number of an identity stands
    where its images are close together. The axes hold one collection of
    points per group and kind (gallery, query), labelled by the group.
    """
    groups = images.pid if by == 'identity' else images.cam_id
    figure, axes = new_axes('', '', width=4.7, height=5.4)
    names = np.unique(groups)
    handles = []
    for i, name in enumerate(names):
        # all pairs of colour and shape differ up to 144 groups
        color = _COLORS[i % len(_COLORS)]
        shape = _SHAPES[(i + i // len(_COLORS)) % len(_SHAPES)]
        style: dict[str, Any] = {'color': color, 'marker': shape}
        for query in (False, True):
            xy = images.xy[(groups == name) & (images.is_query == query)]
            axes.scatter(
                xy[:, 0],
                xy[:, 1],
                **style,
                s=62 if query else 26,
                alpha=1 if query else 0.65,
                edgecolors=COLORS['ink'] if query else 'none',
                linewidths=1.2 if query else 0,
                zorder=3 if query else 2,
                label=str(name),
            )
        handles.append(Line2D([], [], ls='', label=str(name), **style))
    axes.set(title=f'by {by}', xticks=[], yticks=[])
    axes.margins(0.06)
    for spine in axes.spines.values():
        spine.set_visible(True)
    if by == 'identity':
        _write_names(axes, images)
    more = f' ({len(names) - _NAMED} more)' if len(names) > _NAMED else ''
    axes.legend(
        handles=handles[:_NAMED],
        title=by + more,
        loc='upper center',
        bbox_to_anchor=(0.5, -0.01),
        ncols=6,
        handletextpad=0.1,
        columnspacing=1.0,
    )
    return figure


def _write_names(axes: Axes, images: EmbeddedImages) -> None:
    """Write identities where their images are close, and no other name is."""
    extent = np.ptp(images.xy, axis=0).max() or 1.0
    taken = np.zeros((0, 2))
    for i, name in enumerate(np.unique(images.pid)):
        own = images.xy[images.pid == name]
        # the point nearest to the middle of the identity
        middle = own[np.abs(own - np.median(own, axis=0)).sum(1).argmin()]
        away = np.linalg.norm(own - middle, axis=1) / extent
        free = (np.abs(taken - middle) / extent > _NAME_SIZE).any(axis=1)
        if np.median(away) <= _CLOSE and free.all():
            taken = np.concatenate([taken, middle[None]])
            axes.annotate(
                f'{name}',
                middle,
                xytext=(0, 8),
                textcoords='offset points',
                ha='center',
                weight='bold',
                color=_COLORS[i % len(_COLORS)],
                path_effects=[withStroke(linewidth=3, foreground='w')],
                zorder=4,
            )
