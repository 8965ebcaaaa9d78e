import json
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.dist import get_rank
from torch.multiprocessing import ProcessRaisedException

from mmcion.apis import extract
from mmcion.apis.extract import extract_features
from mmcion.registry import MODELS
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.checks import UserError

from ..dist_utils import run_on_ranks

ROWS = 14
FILES = ['checksums.json', 'features.json', 'features.npy', 'run.json']
META = {'extractor': 'colour', 'size': (24, 12)}
PIPELINE = [
    {'type': 'mmcion.LoadImage'},
    {'type': 'mmcion.ResizeImage', 'size': (24, 12)},
    {'type': 'mmcion.PackReIDInputs'},
]


def make_model():
    return MODELS.build(
        {
            'type': 'ReIDModel',
            'data_preprocessor': {
                'type': 'ReIDDataPreprocessor',
                'mean': None,
                'std': None,
            },
            'backbone': {'type': 'ColorStripeDescriptor'},
        }
    )


def run(table, out, **kwargs):
    return extract_features(
        make_model(),
        table,
        kwargs.pop('pipeline', PIPELINE),
        out,
        **{'meta': META, 'batch_size': 4, 'num_workers': 0, **kwargs},
    )


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(extract, '_BLOCK_ROWS', 5)


@pytest.fixture
def table(tmp_path):
    rng = np.random.default_rng(0)
    names = []
    for row in range(ROWS):
        size = rng.integers(8, 40, 2)
        image = rng.integers(0, 256, (*size, 3), np.uint8)
        names.append(f'{row:02d}.jpg')
        assert cv2.imwrite(str(tmp_path / names[-1]), image)
    return TrackletTable.from_columns(
        video_id=np.zeros(ROWS),
        tracklet_id=np.zeros(ROWS),
        frame=np.arange(ROWS),
        path=names,
        image_root=tmp_path,
    )


@pytest.mark.parametrize('batch_size', [1, 3, 64])
@pytest.mark.usefixtures('worker_processes')
def test_equals_one_image_at_a_time(table, tmp_path, batch_size):
    store = run(table, tmp_path / 'out', batch_size=batch_size)

    model = make_model().eval()
    dataset = extract.TrackletDataset(table, PIPELINE)
    for row in range(ROWS):
        inputs = dataset[row]['inputs'][None]
        data = model.data_preprocessor({'inputs': inputs})
        with torch.no_grad():
            expected = model(data['inputs'])[0].numpy()
        # float16 keeps 11 bits
        np.testing.assert_allclose(
            store[row : row + 1][0], expected, atol=2**-11
        )
    assert len(store) == ROWS
    assert store.meta['table'] == table.fingerprint()
    assert store.meta['transforms'][0]['type'] == 'LoadImage'


def counting_batches(monkeypatch, kill_at=None):
    """Count images, and die when ``kill_at`` of them were seen."""
    seen = []
    original = extract._features

    def features(model, items):
        if kill_at is not None and len(seen) >= kill_at:
            raise KeyboardInterrupt
        seen.extend(items)
        return original(model, items)

    monkeypatch.setattr(extract, '_features', features)
    return seen


def test_killed_run_resumes_with_the_missing_blocks(
    table, tmp_path, monkeypatch
):
    whole = run(table, tmp_path / 'whole')
    with monkeypatch.context() as patch:
        # one image for the dimension, block 0 (4 + 1), half of block 1
        counting_batches(patch, kill_at=10)
        with pytest.raises(KeyboardInterrupt):
            run(table, tmp_path / 'out')
    assert (tmp_path / 'out' / '.done_0').exists()
    assert not (tmp_path / 'out' / '.done_5').exists()
    with pytest.raises(FileNotFoundError):
        FeatureStore.open(tmp_path / 'out')

    seen = counting_batches(monkeypatch)
    store = run(table, tmp_path / 'out')

    assert len(seen) == 1 + ROWS - 5
    assert np.array_equal(store[:], whole[:])
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == FILES


def test_finished_store_is_reused(table, tmp_path, monkeypatch):
    first = run(table, tmp_path / 'out')
    seen = counting_batches(monkeypatch)
    second = run(table, tmp_path / 'out')
    assert not seen
    assert np.array_equal(first[:], second[:])


def test_features_of_other_origin_table_or_pipeline(
    table, tmp_path, monkeypatch
):
    old = run(table, tmp_path / 'out')[:]
    other_size = [*PIPELINE]
    other_size[1] = {'type': 'mmcion.ResizeImage', 'size': (48, 24)}
    part = TrackletTable.from_columns(
        video_id=np.zeros(3),
        tracklet_id=np.zeros(3),
        frame=np.arange(3),
        path=table.path[:3].astype(str),
        image_root=tmp_path,
    )
    for arguments in (
        {'meta': {'extractor': 'another'}},
        {'pipeline': other_size},
        {'table': part},
    ):
        seen = counting_batches(monkeypatch)
        rows = arguments.pop('table', table)
        with pytest.raises(UserError, match='--overwrite'):
            run(rows, tmp_path / 'out', **arguments)
        assert not seen
        with monkeypatch.context() as patch:
            counting_batches(patch, kill_at=1)
            with pytest.raises(KeyboardInterrupt):
                run(rows, tmp_path / 'out', overwrite=True, **arguments)
        # the old features stay until there are new ones
        assert np.array_equal(FeatureStore.open(tmp_path / 'out')[:], old)
        old = run(rows, tmp_path / 'out', overwrite=True, **arguments)[:]
        assert len(old) == len(rows)


def test_unreadable_image_is_named(table, tmp_path):
    (tmp_path / '07.jpg').write_bytes(b'no image')
    with pytest.raises(UserError, match=r'07\.jpg'):
        run(table, tmp_path / 'out')


def test_missing_image_is_named(table, tmp_path):
    (tmp_path / '07.jpg').unlink()
    with pytest.raises(UserError, match=r'07\.jpg'):
        run(table, tmp_path / 'out')


def damage(folder, *rows):
    """Empty, remove or spoil the images of rows."""
    for n, row in enumerate(rows):
        file = folder / f'{row:02d}.jpg'
        if n % 3 == 1:
            file.unlink()
        else:
            file.write_bytes(b'no image' * (n % 3))


def unreadable_rows(out):
    return json.loads((out / 'features.json').read_text())['unreadable']


def test_random_state_is_left_alone(table, tmp_path):
    before = torch.get_rng_state()
    run(table, tmp_path / 'out')
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures('worker_processes')
def test_unreadable_images_are_zero_and_listed(table, tmp_path):
    whole = run(table, tmp_path / 'whole')
    assert unreadable_rows(tmp_path / 'whole') == []
    # a whole batch (5..8), the first row and the last
    bad = [0, 5, 6, 7, 8, 13]
    damage(tmp_path, *bad)

    store = run(table, tmp_path / 'out', max_unreadable=6)

    expected = whole[:]
    expected[bad] = 0
    np.testing.assert_allclose(store[:], expected, atol=2**-10)
    raw = np.load(tmp_path / 'out' / 'features.npy')
    assert np.flatnonzero(~raw.any(1)).tolist() == bad
    assert store.unreadable.tolist() == bad
    assert unreadable_rows(tmp_path / 'out') == bad
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == FILES


def test_log_says_how_many_and_which(table, tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(
        extract, 'print_log', lambda text, **_: lines.append(text)
    )
    damage(tmp_path, 7, 4)
    run(table, tmp_path / 'out', max_unreadable=9)
    (line,) = lines
    assert line.startswith('2 of 14 images cannot be read')
    names = [str(tmp_path / name) for name in ('04.jpg', '07.jpg')]
    assert line.endswith(', '.join(names))


def test_more_than_allowed_is_an_error_that_lists_ten(table, tmp_path):
    damage(tmp_path, *range(1, 13))
    with pytest.raises(UserError, match=r'max_unreadable \(11\)') as error:
        run(table, tmp_path / 'out', max_unreadable=11)
    names = re.findall(r'(\d\d)\.jpg\b', str(error.value))
    assert names[:10] == [f'{row:02d}' for row in range(1, 11)]
    assert ' and 2 more (' in str(error.value)
    assert len(run(table, tmp_path / 'out', max_unreadable=12)) == ROWS


def test_no_readable_image_at_all(table, tmp_path):
    damage(tmp_path, *range(ROWS))
    with pytest.raises(UserError, match=r'none of the 14 images.*00\.jpg'):
        run(table, tmp_path / 'out', max_unreadable=ROWS)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('max_unreadable', -1),
        ('num_workers', -1),
        ('batch_size', 0),
        ('batch_size', -3),
    ],
)
def test_wrong_numbers(table, tmp_path, name, value):
    with pytest.raises(UserError, match=f'{name} must .* got {value}'):
        run(table, tmp_path / 'out', **{name: value})
    assert not (tmp_path / 'out').exists()


def test_other_errors_are_not_unreadable_images(table, tmp_path):
    broken = [*PIPELINE[:2], raise_value_error]
    with pytest.raises(ValueError, match='a fault of the pipeline'):
        run(table, tmp_path / 'out', pipeline=broken, max_unreadable=99)


def raise_value_error(results):
    raise ValueError('a fault of the pipeline')


def test_killed_run_does_not_forget_unreadable_rows(
    table, tmp_path, monkeypatch
):
    damage(tmp_path, 1, 3, 12)
    whole = run(table, tmp_path / 'whole', max_unreadable=3)
    with monkeypatch.context() as patch:
        # one image for the dimension, 3 of block 0, half of block 1
        counting_batches(patch, kill_at=5)
        with pytest.raises(KeyboardInterrupt):
            run(table, tmp_path / 'out', max_unreadable=3)
    assert json.loads((tmp_path / 'out' / '.done_0').read_text()) == [1, 3]

    with pytest.raises(UserError, match=r'max_unreadable \(2\)'):
        run(table, tmp_path / 'out', max_unreadable=2)
    seen = counting_batches(monkeypatch)
    store = run(table, tmp_path / 'out', max_unreadable=3)

    assert len(seen) < ROWS - 5
    assert unreadable_rows(tmp_path / 'out') == [1, 3, 12]
    assert np.array_equal(store[:], whole[:])


def test_restored_image_gets_its_feature_on_resume(
    table, tmp_path, monkeypatch
):
    whole = run(table, tmp_path / 'whole')
    good = (tmp_path / '01.jpg').read_bytes()
    damage(tmp_path, 1, 3)
    with monkeypatch.context() as patch:
        counting_batches(patch, kill_at=5)
        with pytest.raises(KeyboardInterrupt):
            run(table, tmp_path / 'out', max_unreadable=3)
    (tmp_path / '01.jpg').write_bytes(good)

    store = run(table, tmp_path / 'out', max_unreadable=3)

    assert store.unreadable.tolist() == [3]
    np.testing.assert_allclose(store[:3], whole[:3], atol=2**-10)


def test_finished_store_with_more_unreadable_images_than_allowed(
    table, tmp_path
):
    damage(tmp_path, 2, 9)
    run(table, tmp_path / 'out', max_unreadable=2)
    assert len(run(table, tmp_path / 'out', max_unreadable=5)) == ROWS
    message = r'2 of 14 images.*\(0\).*02\.jpg, .*09\.jpg.*--overwrite'
    with pytest.raises(UserError, match=message):
        run(table, tmp_path / 'out')


def test_table_without_rows_or_paths_is_refused(tmp_path):
    columns = {'video_id': [], 'tracklet_id': [], 'frame': [], 'videos': ['a']}
    with pytest.raises(UserError, match='no images'):
        run(TrackletTable.from_columns(**columns), tmp_path / 'out')
    columns = {'video_id': [0], 'tracklet_id': [0], 'frame': [0]}
    with pytest.raises(UserError, match='image paths'):
        run(TrackletTable.from_columns(**columns), tmp_path / 'out')


def run_rank(table_folder, out, max_unreadable=0):
    extract._BLOCK_ROWS = 5
    table = TrackletTable.load(table_folder)
    store = run(table, out, max_unreadable=max_unreadable)
    return get_rank(), store[:]


def test_two_ranks_equal_one_process(table, tmp_path):
    whole = run(table, tmp_path / 'whole')
    table.save(tmp_path / 'table')

    results = run_on_ranks(run_rank, tmp_path / 'table', tmp_path / 'out')

    assert [rank for rank, _ in results] == [0, 1]
    for _, features in results:
        assert np.array_equal(features, whole[:])
    for name in ('features.npy', 'features.json'):
        one, two = (tmp_path / folder / name for folder in ('whole', 'out'))
        assert one.read_bytes() == two.read_bytes()


def test_max_unreadable_counts_all_ranks(table, tmp_path):
    # blocks 0 and 2 are of rank 0, block 1 of rank 1
    damage(tmp_path, 0, 4, 6, 13)
    whole = run(table, tmp_path / 'whole', max_unreadable=4)
    table.save(tmp_path / 'table')
    arguments = tmp_path / 'table', tmp_path / 'out'

    with pytest.raises(
        ProcessRaisedException, match=r'4 of 14 images.*00\.jpg'
    ):
        run_on_ranks(run_rank, *arguments, 3)
    assert not (tmp_path / 'out' / 'features.json').exists()
    results = run_on_ranks(run_rank, *arguments, 4)

    for _, features in results:
        assert np.array_equal(features, whole[:])
    for name in ('features.npy', 'features.json'):
        one, two = (tmp_path / folder / name for folder in ('whole', 'out'))
        assert one.read_bytes() == two.read_bytes()
    assert unreadable_rows(tmp_path / 'out') == [0, 4, 6, 13]
