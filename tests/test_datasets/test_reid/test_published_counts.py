import pytest

from mmcion.datasets.reid import published_counts
from mmcion.datasets.reid.published_counts import Count, compare_counts, count
from mmcion.datasets.reid.reid_image import ReIDImage

IMAGES = [ReIDImage('', *ids) for ids in ((-1, 5), (0, 1), (2, 1), (2, 3))]


@pytest.fixture(autouse=True)
def published(monkeypatch):
    table = {
        'Right': {'train': Count(3, 2, 2)},
        'Wrong': {'train': Count(1_003, 2, 2), 'query': Count(9, 9, 9)},
    }
    monkeypatch.setattr(published_counts, 'PUBLISHED', table)
    return table


def test_junk_is_not_counted():
    assert count(IMAGES) == (3, 2, 2)


def test_as_published(messages):
    compare_counts('Right', 'train', IMAGES, 'data')
    text = 'Right, train: 3 images, 2 identities, 2 cameras, as published'
    assert messages == [(20, text)]


def test_unknown_counts_are_not_compared(messages, published):
    published['Right']['train'] = Count(3, None, None)
    compare_counts('Right', 'train', IMAGES, 'data')
    compare_counts('Right', 'distractors', IMAGES, 'data')
    compare_counts('Unknown', 'train', IMAGES, 'data')
    assert [level for level, _ in messages] == [20]


def test_other_numbers_name_both_and_the_set_they_are_of(messages):
    compare_counts('Wrong', 'train', IMAGES, 'data/wrong')
    ((level, text),) = messages
    assert level == 30
    assert text.startswith(
        'Wrong, train: found 3 images, 2 identities, 2 cameras; published '
        'are 1,003 images, 2 identities, 2 cameras. These are the numbers of '
        'Right. '
    )
    assert 'check data/wrong' in text


def test_numbers_of_no_set(messages):
    compare_counts('Wrong', 'query', IMAGES, 'data')
    ((level, text),) = messages
    assert level == 30 and 'Files are missing or added' in text
