import numpy as np

from mmcion.structures import (
    UNASSIGNED,
    AnnotationTable,
    Csr,
    IdentityLabels,
    TrackletTable,
)
from mmcion.utils.checks import UserError, check_at_least


def export_annotation(
    table: TrackletTable,
    labels: IdentityLabels,
    *,
    min_images_per_identity: int = 2,
    min_videos: int = 1,
    max_images_per_identity: int | None = None,
    max_images: int | None = None,
    seed: int = 0,
) -> tuple[AnnotationTable, dict[str, int]]:
    """Make the annotation for pre-training, of identities worth training on.

    The options apply in this order: small identities are dropped, images of
    large ones, then images of all. So ``max_images``, by which CION-AL got
    the size of LUPerson, may leave an identity with fewer images than
    ``min_images_per_identity``.

    Args:
        table: Images with paths.
        labels: Identities of its rows.
        min_images_per_identity: Smaller identities are dropped.
        min_videos: Identities seen in fewer videos are dropped.
        max_images_per_identity: Images of an identity, at most; a random
            selection.
        max_images: Images in total, at most; a random selection.
        seed: Seed of both selections.

    Returns:
        The annotation, with identities 0..P-1 and the video as ``cam_id``,
        and counts.

    Raises:
        UserError: If the table has no paths, or nothing is left.
    """
    if table.path is None:
        raise UserError('an annotation needs a table with image paths.')
    identity = labels.contiguous().identity
    kept = identity != UNASSIGNED
    num = labels.num_identities
    num_images = np.bincount(identity[kept], minlength=num)  # (K,)
    # distinct pairs (identity, video): (2, m) -> (K,)
    seen = np.unique(np.stack((identity[kept], table.video_id[kept])), axis=1)
    num_videos = np.bincount(seen[0], minlength=num)
    large = num_images >= min_images_per_identity
    good = large & (num_videos >= min_videos)
    if not good.any():
        raise UserError(
            f'none of {num} identities has >= {min_images_per_identity} '
            f'images in >= {min_videos} videos; lower these two, or look at '
            f'the report: the thresholds may be too strict.'
        )
    rows = np.flatnonzero(kept)
    rows = rows[good[identity[rows]]]
    rng, num_good = np.random.default_rng(seed), len(rows)
    if max_images_per_identity is not None:
        check_at_least(1, max_images_per_identity=max_images_per_identity)
        # images by identity, in a random order: the first of each stay
        order = rng.permutation(num_good)
        groups = Csr.from_keys(identity[rows[order]], rows[order], num)
        place = np.arange(num_good) - groups.ptr[groups.keys]
        rows = np.sort(groups.values[place < max_images_per_identity])
    if max_images is not None:
        check_at_least(1, max_images=max_images)
        size = min(max_images, len(rows))
        rows = np.sort(rng.choice(rows, size, replace=False))
    ids, pid = np.unique(identity[rows], return_inverse=True)
    annotation = AnnotationTable(
        table.path[rows], pid, table.video_id[rows], table.image_root
    )
    return annotation, {
        'images': len(rows),
        'identities': len(ids),
        'dropped_small_identities': int((~large).sum()),
        'dropped_few_videos': int((large & ~good).sum()),
        'unselected_images': num_good - len(rows),
    }
