import cv2
import numpy as np
import pytest
import torch
from mmengine.dist import get_rank

from mmcion.apis import extract
from mmcion.apis.extract import extract_features
from mmcion.registry import MODELS
from mmcion.structures import FeatureStore, TrackletTable

from ..dist_utils import run_on_ranks

ROWS = 14
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


@pytest.mark.parametrize(('batch_size', 'num_workers'), [(1, 0), (64, 2)])
def test_equals_one_image_at_a_time(table, tmp_path, batch_size, num_workers):
    store = run(
        table,
        tmp_path / 'out',
        batch_size=batch_size,
        num_workers=num_workers,
    )

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


def test_killed_run_goes_on_with_the_missing_blocks(
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
    with pytest.raises(FileNotFoundError, match='no finished features'):
        FeatureStore.open(tmp_path / 'out')

    seen = counting_batches(monkeypatch)
    store = run(table, tmp_path / 'out')

    assert len(seen) == 1 + ROWS - 5
    assert np.array_equal(store[:], whole[:])
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == [
        'features.json',
        'features.npy',
    ]


def test_finished_store_is_reused(table, tmp_path, monkeypatch):
    first = run(table, tmp_path / 'out')
    seen = counting_batches(monkeypatch)
    second = run(table, tmp_path / 'out')
    assert not seen
    assert np.array_equal(first[:], second[:])


def test_other_origin_table_or_pipeline_is_extracted_anew(
    table, tmp_path, monkeypatch
):
    run(table, tmp_path / 'out')
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
        {'meta': {'extractor': 'other'}},
        {'pipeline': other_size},
        {'table': part},
    ):
        seen = counting_batches(monkeypatch)
        rows = arguments.pop('table', table)
        assert len(run(rows, tmp_path / 'out', **arguments)) == len(rows)
        assert len(seen) == 1 + len(rows)


def test_unreadable_image_is_named(table, tmp_path):
    (tmp_path / '07.jpg').write_bytes(b'no image')
    with pytest.raises(ValueError, match=r'07\.jpg is not an image'):
        run(table, tmp_path / 'out')


def test_missing_image_is_named(table, tmp_path):
    (tmp_path / '07.jpg').unlink()
    with pytest.raises(FileNotFoundError, match=r'07\.jpg'):
        run(table, tmp_path / 'out')


def test_table_without_rows_or_paths_is_refused(tmp_path):
    columns = {'video_id': [], 'tracklet_id': [], 'frame': [], 'videos': ['a']}
    with pytest.raises(ValueError, match='no images'):
        run(TrackletTable.from_columns(**columns), tmp_path / 'out')
    columns = {'video_id': [0], 'tracklet_id': [0], 'frame': [0]}
    with pytest.raises(ValueError, match='image paths'):
        run(TrackletTable.from_columns(**columns), tmp_path / 'out')


def run_rank(table_folder, out):
    extract._BLOCK_ROWS = 5
    store = run(TrackletTable.load(table_folder), out)
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
