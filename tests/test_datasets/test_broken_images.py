import logging

import pytest
from torch.utils.data import DataLoader

from mmcion.datasets import (
    IdentityDataset,
    ReIDDataset,
    UnreadableImageError,
    broken_images,
)
from mmcion.utils.checks import UserError
from tests.tiny import write_identities

from ..test_utils.test_image_file import KINDS, make_unreadable
from .test_image_reader import write_lmdb

SIZES = (2, 4)  # rows 0 and 1, rows 2 to 5
PIPELINE = [
    {'type': 'mmcion.LoadImage'},
    {'type': 'mmcion.PackReIDInputs'},
]


@pytest.fixture
def folder(tmp_path):
    return write_identities(tmp_path, SIZES)


@pytest.fixture
def logged(monkeypatch):
    lines = []
    monkeypatch.setattr(
        broken_images,
        'print_log',
        lambda text, logger, level: lines.append((text, level)),
    )
    return lines


def make_dataset(folder, root=None, **options):
    return IdentityDataset(
        folder / 'annotation', root or folder, PIPELINE, **options
    )


def break_images(folder, *rows):
    for row in rows:
        (folder / f'{row}.png').write_bytes(b'no image')


def file_of(item):
    return item['data_samples'].img_path.rsplit('/', 1)[-1]


@pytest.mark.parametrize(
    ('broken', 'row', 'taken'),
    [((3,), 3, 4), ((3, 4), 3, 5), ((5,), 5, 2), ((2, 3, 5), 3, 4)],
)
def test_next_row_of_the_identity_takes_the_place(
    folder, logged, broken, row, taken
):
    break_images(folder, *broken)
    dataset = make_dataset(folder)
    for _ in range(2):
        item = dataset[row]
        assert file_of(item) == f'{taken}.png'
        assert item['data_samples'].pid == 1
    assert file_of(dataset[taken]) == f'{taken}.png'


def test_each_broken_image_is_logged_and_tried_once(folder, logged):
    break_images(folder, 3, 4)
    dataset = make_dataset(folder, max_broken=4)
    for _ in range(3):
        dataset[3]
    assert len(dataset.broken.reasons) == len(logged) == 2
    assert [level for _, level in logged] == [logging.ERROR] * 2
    assert 'image 1 of at most 4' in logged[0][0] and '3.png' in logged[0][0]
    assert 'image 2 of at most 4' in logged[1][0] and '4.png' in logged[1][0]


@pytest.mark.parametrize('kind', KINDS)
def test_whatever_cannot_be_read_is_a_broken_image(folder, logged, kind):
    (folder / '3.png').unlink()
    make_unreadable(folder / '3.png', kind)
    assert file_of(make_dataset(folder)[3]) == '4.png'


def test_missing_key_is_a_broken_image(folder, tmp_path, logged):
    names = [f'{row}.png' for row in range(6) if row != 3]
    values = {name: (folder / name).read_bytes() for name in names}
    write_lmdb(tmp_path / 'images.lmdb', values)
    dataset = make_dataset(folder, tmp_path / 'images.lmdb')
    assert file_of(dataset[3]) == '4.png'
    assert 'has no key 3.png' in logged[0][0]


def test_one_too_many_lists_them(folder, logged):
    break_images(folder, 0, 3, 4)
    dataset = make_dataset(folder, max_broken=2)
    dataset[0]
    with pytest.raises(
        UnreadableImageError, match=r'more than max_broken \(2\)'
    ) as error:
        dataset[3]
    assert all(f'{row}.png' in str(error.value) for row in (0, 3, 4))


def test_limit_of_0_stops_at_the_first(folder, logged):
    break_images(folder, 3)
    dataset = make_dataset(folder, max_broken=0)
    with pytest.raises(UnreadableImageError, match=r'3\.png'):
        dataset[3]
    assert logged == []


def test_identity_with_only_broken_images(folder, logged):
    break_images(folder, 0, 1)
    dataset = make_dataset(folder)
    for row in (0, 1, 0):
        with pytest.raises(UnreadableImageError, match='identity 0') as error:
            dataset[row]
        assert '0.png' in str(error.value) and '1.png' in str(error.value)
    assert file_of(dataset[2]) == '2.png'


def test_error_of_a_worker_reaches_the_loop(folder):
    break_images(folder, 2, 3, 4, 5)
    loader = DataLoader(make_dataset(folder), None, num_workers=1)
    with pytest.raises(UnreadableImageError, match='identity 1'):
        list(loader)


def test_first_image_may_be_missing(folder, logged):
    (folder / '0.png').unlink()
    assert file_of(make_dataset(folder)[0]) == '1.png'


def test_other_errors_are_not_hidden(folder):
    def fail(results):
        raise PermissionError('closed')

    dataset = IdentityDataset(folder / 'annotation', folder, [fail])
    with pytest.raises(PermissionError):
        dataset[0]


def test_long_lists_are_cut(tmp_path, logged):
    folder = write_identities(tmp_path, (30, 1))
    break_images(folder, *range(30))
    with pytest.raises(UnreadableImageError, match=r'and 10 more$'):
        make_dataset(folder, max_broken=29)[0]


def test_negative_limit(folder):
    with pytest.raises(UserError, match=r'max_broken .* -1'):
        make_dataset(folder, max_broken=-1)


@pytest.fixture
def reid_csv(folder):
    """The same images for fine-tuning, rows 0 and 1, 2 to 5."""
    lines = [f'{row}.png,{7 if row < 2 else 9}' for row in range(6)]
    path = folder / 'images.csv'
    path.write_text('\n'.join(['path,pid', *lines]))
    return path


def test_fine_tuning_replaces_broken_images(folder, reid_csv, logged):
    break_images(folder, 3, 4)
    options = {'split': 'train', 'pipeline': PIPELINE}
    dataset = ReIDDataset(reid_csv, folder, **options)
    item = dataset[3]
    assert file_of(item) == '5.png' and item['data_samples'].pid == 1
    assert [text[:14] for text, _ in logged] == [
        'broken image 1',
        'broken image 2',
    ]
    dataset = ReIDDataset(reid_csv, folder, max_broken=1, **options)
    with pytest.raises(UnreadableImageError, match=r'max_broken \(1\)'):
        dataset[3]


def test_images_of_a_test_are_never_replaced(folder, reid_csv, logged):
    break_images(folder, 3)
    dataset = ReIDDataset(
        reid_csv, folder, draw_queries=True, pipeline=PIPELINE
    )
    names = [info['img_path'] for info in map(dataset.get_data_info, range(6))]
    row = names.index(str(folder / '3.png'))
    with pytest.raises(UnreadableImageError, match=r'3\.png'):
        dataset[row]
    assert logged == []
