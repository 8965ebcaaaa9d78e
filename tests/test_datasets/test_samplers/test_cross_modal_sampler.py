from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import DefaultSampler

from mmcion.datasets import CrossModalSampler
from mmcion.utils.checks import UserError

THERMAL = (3, 6)


def make(rank=0, ranks=1, batch_size=8, epoch=0, **options):
    # 6 identities with 5 visible and 3 thermal images, one without thermal
    pids = np.repeat(np.arange(7), 8)
    cam_ids = np.tile([1, 2, 4, 5, 1, 3, 6, 3], 7)
    cam_ids[48:] = 1
    dataset = SimpleNamespace(pids=pids, cam_ids=cam_ids)
    sampler = DefaultSampler.__new__(DefaultSampler)
    vars(sampler).update(
        dataset=dataset, seed=0, rank=rank, world_size=ranks, epoch=epoch
    )
    options = {'num_instances': 2, 'thermal_cams': THERMAL, **options}
    return dataset, CrossModalSampler(sampler, batch_size, **options)


def test_batches_hold_both_modalities_of_each_identity():
    dataset, sampler = make()
    batches = list(sampler)
    # 38 visible images, 4 in a batch, and one more batch
    assert len(batches) == len(sampler) == 38 // 4 + 1
    seen = set()
    for batch in batches:
        pids, cam_ids = dataset.pids[batch], dataset.cam_ids[batch]
        is_thermal = np.isin(cam_ids, THERMAL)
        assert is_thermal.tolist() == [False] * 4 + [True] * 4
        assert pids[:4].tolist() == pids[4:].tolist()
        assert pids[0] == pids[1] != pids[2] == pids[3]
        seen |= set(pids.tolist())
    # the one without thermal images is never drawn
    assert len(seen) > 2 and 6 not in seen
    places = [draw.entropy[2] for batch in batches for draw in batch]
    assert places == list(range(80))


def test_length_is_the_published_one():
    # SYSU-MM01: 22,258 visible images in batches of 32 + 32
    _, sampler = make()
    for count, expected in ((22_258, 696), (2_060, 65)):
        sampler._larger, sampler.batch_size = count, 64
        assert len(sampler) == expected


def test_epochs_differ_and_resume_continues():
    first, again, other = (list(make(epoch=e)[1]) for e in (0, 0, 1))
    assert first == again != other
    _, sampler = make()
    sampler.skip(3)
    assert list(sampler) == first[3:]
    assert list(sampler) == first


def test_ranks_have_different_identities():
    dataset, one = make(ranks=2)
    _, two = make(rank=1, ranks=2)
    for mine, yours in zip(one, two, strict=True):
        pids = set(dataset.pids[mine]), set(dataset.pids[yours])
        assert len(pids[0]) == len(pids[1]) == 2
        assert not pids[0] & pids[1]


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'batch_size': 6}, '6'),
        ({'batch_size': 28}, '7 identities'),
        ({'thermal_cams': (9,)}, '9'),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, named):
    with pytest.raises(UserError, match=named):
        make(**options)


def test_without_labels_an_epoch_passes_the_larger_modality_once():
    dataset, sampler = make(num_instances=None)
    batches = list(sampler)
    # 38 visible images, 4 in a batch
    assert len(batches) == len(sampler) == 10
    visible = [row for batch in batches for row in batch[:4]]
    thermal = [row for batch in batches for row in batch[4:]]
    assert not np.isin(dataset.cam_ids[visible], THERMAL).any()
    assert np.isin(dataset.cam_ids[thermal], THERMAL).all()
    # the 40 places take two of the 38 twice, and all 18 thermal ones
    assert np.bincount(np.unique(visible, return_counts=True)[1])[2] == 2
    assert len(set(visible)) == 38 and len(set(thermal)) == 18
    # neither pairs nor identities
    assert (dataset.pids[visible] != dataset.pids[thermal]).mean() > 0.5


def test_without_labels_ranks_share_the_images_and_resume_continues():
    _, whole = make(batch_size=16, num_instances=None)
    parts = [make(rank, 2, num_instances=None)[1] for rank in (0, 1)]
    for batch, one, two in zip(whole, *parts, strict=True):
        assert sorted(one + two) == sorted(batch)
    first = list(parts[0])
    parts[0].skip(2)
    assert list(parts[0]) == first[2:]
    with pytest.raises(UserError, match='9'):
        make(num_instances=None, thermal_cams=(9,))
