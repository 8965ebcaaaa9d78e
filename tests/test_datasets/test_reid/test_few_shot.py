import itertools

import numpy as np
import pytest

from mmcion.datasets.reid.few_shot import (
    choose_identities,
    choose_images,
    keep_listed,
    write_identity_list,
    write_image_list,
)
from mmcion.datasets.reid.reid_image import ReIDImage
from mmcion.utils.checks import UserError

from .trees import MARKET, build, write_tree

RATIOS = [number / 10 for number in range(1, 11)]
# images and identities to train on, and those of the published lists
IDENTITIES = {
    751: [75, 150, 225, 300, 375, 450, 525, 600, 675, 751],
    702: [70, 140, 210, 280, 351, 421, 491, 561, 631, 702],
    767: [76, 153, 230, 306, 383, 460, 536, 613, 690, 767],
    1041: [104, 208, 312, 416, 520, 624, 728, 832, 936, 1041],
}
IMAGES = {
    # images, identities, smallest identity: counts of all ratios
    (12936, 751, 2): [1293, 2587, 3880, 5174, 6468, 7761, 9055, 10348, 11642],
    (16522, 702, 6): [1652],
    (32621, 1041, 3): [3262],
    (7365, 767, 6): [767],  # one per identity, more than a tenth
}


def draw_pids(num_images, num_pids, smallest):
    """Labels of identities with unequal numbers of images."""
    rng = np.random.default_rng(0)
    rest = num_images - smallest * num_pids
    extra = rng.multinomial(rest, rng.dirichlet(np.ones(num_pids - 1)))
    count = smallest + np.append(extra, 0)
    return rng.permutation(np.repeat(np.arange(num_pids) * 2, count))


@pytest.mark.parametrize('count', IDENTITIES)
def test_identities_are_as_many_as_published_and_nested(count):
    pids = np.repeat(np.arange(count) * 3, 2)
    chosen = [choose_identities(pids, ratio, 5) for ratio in RATIOS]
    assert [len(each) for each in chosen] == IDENTITIES[count]
    for small, large in itertools.pairwise(chosen):
        assert set(small) < set(large)
    assert set(chosen[-1]) == set(pids)
    assert set(chosen[0]) != set(choose_identities(pids, 0.1, 6))


@pytest.mark.parametrize('sizes', IMAGES)
def test_images_are_as_many_as_published_and_nested(sizes):
    pids = draw_pids(*sizes)
    assert len(pids) == sizes[0]
    chosen = [choose_images(pids, ratio, 5) for ratio in RATIOS]
    published = [*IMAGES[sizes], sizes[0]]
    counts = [len(each) for each in chosen]
    assert counts[: len(published) - 1] == published[:-1]
    assert counts[-1] == sizes[0]
    for small, large in itertools.pairwise(chosen):
        assert set(small) < set(large)
    # every identity stays, and they take turns
    kept = np.unique(pids[chosen[0]], return_counts=True)[1]
    assert len(kept) == sizes[1]
    fair = len(chosen[0]) // sizes[1]
    assert kept.min() == min(fair, sizes[2])
    assert not np.array_equal(chosen[0], choose_images(pids, 0.1, 6))


@pytest.mark.parametrize('ratio', [0, 1.1])
def test_ratio_is_checked(ratio):
    with pytest.raises(UserError, match=str(ratio)):
        choose_images(np.arange(4), ratio)


def test_written_lists_are_read(tmp_path):
    images = [
        ReIDImage(f'x/{pid}_{n}.jpg', pid, n)
        for pid in (2, 40)
        for n in range(3)
    ]
    write_identity_list(tmp_path / 'ids.txt', [40])
    assert (tmp_path / 'ids.txt').read_text() == '40\n'
    assert keep_listed(images, tmp_path / 'ids.txt') == images[3:]
    chosen = [images[1], images[5]]
    write_image_list(tmp_path / 'ims.txt', chosen)
    text = (tmp_path / 'ims.txt').read_text()
    assert text == '2_1.jpg; 0; 1\n40_2.jpg; 1; 2\n'
    assert keep_listed(images, tmp_path / 'ims.txt') == chosen


@pytest.mark.parametrize(
    ('lines', 'pids'),
    [
        ('0007\n', [0]),
        ('2\n7\n', [0, 0, 1]),
        ('0002_c2s1_000301_01.jpg; 0; 1\n\n', [0]),
    ],
)
def test_training_takes_published_lists(lines, pids, tmp_path):
    write_tree(tmp_path / 'market', MARKET)
    (tmp_path / 'list.txt').write_text(lines)
    options = {'few_shot': str(tmp_path / 'list.txt')}
    dataset = build('Market1501', tmp_path / 'market', 'train', **options)
    assert dataset.pids.tolist() == pids
    with pytest.raises(UserError, match='test'):
        build('Market1501', tmp_path / 'market', 'test', **options)


@pytest.mark.parametrize('lines', ['2\n9\n', '2\n2\n', 'a.jpg; 0; 0\n'])
def test_list_of_another_set_is_refused(lines, tmp_path):
    write_tree(tmp_path / 'market', MARKET)
    (tmp_path / 'list.txt').write_text(lines)
    with pytest.raises(UserError, match=r'list\.txt'):
        build(
            *('Market1501', tmp_path / 'market', 'train'),
            few_shot=tmp_path / 'list.txt',
        )
