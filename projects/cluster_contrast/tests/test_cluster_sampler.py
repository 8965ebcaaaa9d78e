import numpy as np
import pytest
from mmengine.dataset import DefaultSampler

from mmcion.utils.checks import UserError

from ..cluster_contrast import ClusterSampler
from ..cluster_contrast.cluster_sampler import draw_group

# outliers, a cluster of one image, small and large ones
SIZES = [9, 1, 3, 4, 20, 8, 5, 12, 6, 7, 4, 30]


class Images(list):
    """Rows with cameras; their identities are of no use."""

    def __init__(self, seed=0):
        rng = np.random.default_rng(seed)
        self.labels = rng.permutation(np.repeat(np.arange(-1, 11), SIZES))
        self.cam_ids = rng.integers(4, size=len(self.labels))
        self.pids = np.zeros(len(self.labels), int)
        super().__init__(range(len(self.labels)))


def make(images, ranks=1, rank=0, batch_size=12, batches=7, k=4, seed=0):
    sampler = DefaultSampler(images, seed=seed)
    sampler.rank, sampler.world_size = rank, ranks
    made = ClusterSampler(sampler, batch_size, k, batches)
    made.set_labels(images.labels)
    return made


def test_batches_hold_whole_groups_of_different_clusters():
    images = Images()
    sampler = make(images)
    batches = list(sampler)
    assert len(batches) == len(sampler) == 7
    np.testing.assert_array_equal(batches, sampler.own_rows())
    for batch in batches:
        clusters = images.labels[np.array(batch).reshape(3, 4)]
        assert (clusters >= 0).all()
        assert (clusters == clusters[:, :1]).all()
        assert len(set(clusters[:, 0])) == 3
    # a pass of 11 clusters has three batches, and then begins again
    for first in (0, 3):
        passed = images.labels[np.ravel(batches[first : first + 3])]
        assert len(set(passed)) == 9


def test_images_are_of_other_cameras_than_the_first():
    images = Images()
    for group in make(images, batches=50).plan().reshape(-1, 4):
        label = images.labels[group[0]]
        cameras = images.cam_ids[group]
        others = (images.labels == label) & (images.cam_ids != cameras[0])
        if others.any():
            assert (cameras[1:] != cameras[0]).all()
        if others.sum() >= 4:
            assert len(set(group)) == 4


@pytest.mark.parametrize(
    ('cams', 'num_different'),
    [
        ([0, 0, 0, 0, 0, 0], 4),  # one camera, and enough images
        ([0, 0, 0], 3),  # one camera; the first image is not repeated
        ([0], 1),
        ([0, 1], 2),
        ([0, 1, 1, 1, 0], 4),
    ],
)
def test_what_is_drawn_without_enough_other_cameras(cams, num_different):
    rng, cams = np.random.default_rng(0), np.array(cams)
    groups = [
        draw_group(rng, np.arange(len(cams)), cams, 4) for _ in range(99)
    ]
    assert {len(group) for group in groups} == {4}
    assert max(len(set(group)) for group in groups) == num_different
    anchors = [group[0] for group in groups]
    assert set(anchors) == set(range(len(cams)))
    if len(cams) > 1:
        assert all(group[0] not in group[1:] for group in groups)


def test_order_depends_on_seed_and_epoch():
    images = Images()
    first, again, other = make(images), make(images), make(images, seed=1)
    np.testing.assert_array_equal(first.plan(), again.plan())
    assert (first.plan() != other.plan()).any()
    again.sampler.set_epoch(1)
    assert (first.plan() != again.plan()).any()


def test_ranks_share_the_batches_of_one_process():
    images = Images()
    whole = make(images, batch_size=24, batches=5).plan()
    for rank in range(2):
        part = make(images, ranks=2, rank=rank, batches=5)
        np.testing.assert_array_equal(part.plan(), whole)
        expected = whole[:, rank::2].reshape(5, -1)
        np.testing.assert_array_equal(list(part), expected)


def test_resumed_epoch_begins_after_the_batches_that_are_done():
    images = Images()
    sampler = make(images)
    expected = list(sampler)[3:]
    sampler.skip(3)
    assert list(sampler) == expected
    assert len(sampler) == 7


def test_fewer_clusters_than_a_batch_needs():
    images = Images()
    with pytest.raises(
        UserError, match=r'109 images form 11 clusters.* needs 12'
    ):
        make(images, batch_size=48)
    with pytest.raises(UserError, match='form 0 clusters'):
        images.labels[:] = -1
        make(images)
    # of one identity, which there is nothing to tell from
    images.labels[:] = 0
    with pytest.raises(UserError, match=r'form 1 clusters.* needs 2'):
        make(images, batch_size=4)


def test_batch_must_be_whole_groups():
    with pytest.raises(UserError, match=r'\(10\).*\(4\)'):
        make(Images(), batch_size=10)
