import numpy as np
import pytest

from mmcion.denoising import export_annotation
from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.checks import UserError


@pytest.fixture
def table():
    return TrackletTable.from_columns(
        video_id=[0, 0, 0, 0, 1, 1, 1, 1],
        tracklet_id=[0, 0, 1, 1, 0, 0, 1, 2],
        frame=[0, 1, 0, 1, 0, 1, 0, 0],
        path=list('abcdefgh'),
        image_root='crops',
    )


@pytest.fixture
def labels():
    # 5: four rows, two videos; 3: two rows, one video; 9: one row
    return IdentityLabels(np.array([5, 5, 3, 3, 5, 5, 9, -1]))


def test_small_identities_are_dropped_and_counted(table, labels):
    annotation, counts = export_annotation(
        table, labels, min_images_per_identity=2
    )
    assert annotation.path.tolist() == [b'a', b'b', b'c', b'd', b'e', b'f']
    assert annotation.pid.tolist() == [0, 0, 1, 1, 0, 0]
    assert annotation.cam_id.tolist() == [0, 0, 0, 0, 1, 1]
    assert annotation.image_root == table.image_root
    assert counts == {
        'images': 6,
        'identities': 2,
        'dropped_small_identities': 1,
        'dropped_few_videos': 0,
        'unselected_images': 0,
    }


def test_identities_of_few_videos_are_dropped_and_counted(table, labels):
    annotation, counts = export_annotation(
        table, labels, min_images_per_identity=2, min_videos=2
    )
    assert annotation.path.tolist() == [b'a', b'b', b'e', b'f']
    assert annotation.pid.tolist() == [0, 0, 0, 0]
    assert counts == {
        'images': 4,
        'identities': 1,
        'dropped_small_identities': 1,
        'dropped_few_videos': 1,
        'unselected_images': 0,
    }


def test_nothing_left_is_an_error_with_a_hint(table, labels):
    with pytest.raises(UserError, match=r'none of 3 identities has >= 5'):
        export_annotation(table, labels, min_images_per_identity=5)
    unassigned = IdentityLabels(np.full(8, -1))
    with pytest.raises(UserError, match='none of 0 identities'):
        export_annotation(table, unassigned)


def test_table_needs_paths(labels):
    table = TrackletTable.from_columns(
        video_id=[0] * 8, tracklet_id=range(8), frame=[0] * 8
    )
    with pytest.raises(UserError, match='with image paths'):
        export_annotation(table, labels)


def test_large_identities_are_reduced_at_random(table, labels):
    seen = set()
    for seed in range(40):
        annotation, counts = export_annotation(
            table, labels, max_images_per_identity=2, seed=seed
        )
        assert np.bincount(annotation.pid).tolist() == [2, 2]
        assert counts['images'] == 4
        assert counts['identities'] == counts['unselected_images'] == 2
        paths = annotation.path.tolist()
        assert paths == sorted(paths)
        assert {b'c', b'd'} < set(paths)
        seen.add(tuple(paths))
        again, _ = export_annotation(
            table, labels, max_images_per_identity=2, seed=seed
        )
        assert again.path.tolist() == paths
    assert len(seen) == 6  # every pair of the four


def test_images_are_selected_at_random(table, labels):
    seen, left = set(), set()
    for seed in range(60):
        annotation, counts = export_annotation(
            table, labels, max_images=2, seed=seed
        )
        assert len(annotation.path) == counts['images'] == 2
        assert counts['unselected_images'] == 4
        assert counts['identities'] == len(np.unique(annotation.pid))
        seen.add(tuple(annotation.path.tolist()))
        left.add(counts['identities'])
    assert len(seen) == 15
    assert left == {1, 2}  # fewer than min_images_per_identity is possible
    whole, counts = export_annotation(table, labels, max_images=6)
    assert len(whole.path) == 6
    assert counts['unselected_images'] == 0


def test_small_identities_are_dropped_before_large_ones_are_reduced(
    table, labels
):
    annotation, counts = export_annotation(
        table,
        labels,
        min_images_per_identity=4,
        max_images_per_identity=3,
        max_images=2,
    )
    assert counts['dropped_small_identities'] == 2
    assert counts['unselected_images'] == 2
    assert set(annotation.path.tolist()) < {b'a', b'b', b'e', b'f'}
