import cv2
import numpy as np
import pytest
import torch

import mmcion
from mmcion.apis import retrieval
from mmcion.apis.features import FeatureExtractor
from mmcion.apis.retrieval import ReIDInferencer
from mmcion.models import ReIDModel
from mmcion.models.weights import ModelSpec
from mmcion.structures import FeatureStore
from mmcion.utils.checks import UserError

from ..tiny import write_image

CALIBRATED = {'similarity': 0.75, 'false_match_rate': 1e-3}


def make_extractor(seed=0, image_size=(16, 8)):
    torch.manual_seed(seed)
    model = ReIDModel({'type': 'mmcion.TinyBackbone', 'use_bn': True})
    return FeatureExtractor(model, image_size=image_size)


@pytest.fixture
def gallery(tmp_path):
    for i in range(6):
        write_image(tmp_path / 'gallery' / f'{i}.png', seed=i)
    return tmp_path / 'gallery'


def ranking(result, key='index'):
    return [match[key] for match in result['matches']]


@pytest.fixture(params=[2, 1 << 16])
def inferencer(request, monkeypatch):
    monkeypatch.setattr(retrieval, '_BLOCK', request.param)
    return mmcion.ReIDInferencer(make_extractor())


def test_ranking_is_that_of_the_cosine(inferencer, gallery, tmp_path):
    inferencer.set_gallery(gallery)
    queries = [write_image(tmp_path / f'q{i}.png', seed=9 + i) for i in (0, 1)]
    results = inferencer.search(queries, topk=4)

    feats = inferencer.extractor(gallery)
    cosine = inferencer.extractor(queries) @ feats.T
    for row, result in enumerate(results):
        assert result['query'] == str(queries[row])
        assert ranking(result, 'rank') == [1, 2, 3, 4]
        expected = np.argsort(-cosine[row])[:4]
        assert ranking(result) == expected.tolist()
        np.testing.assert_allclose(
            ranking(result, 'similarity'), cosine[row, expected], atol=1e-6
        )
        paths = [str(gallery / f'{i}.png') for i in expected]
        assert ranking(result, 'image') == paths
    assert len(inferencer.search(queries[0], topk=99)[0]['matches']) == 6


def test_reranked(inferencer, gallery, tmp_path):
    queries = [write_image(tmp_path / f'q{i}.png', seed=9 + i) for i in (0, 1)]
    store = inferencer.extractor.extract_folder(gallery, tmp_path / 'store')
    feats = inferencer.extractor(gallery)
    qf = inferencer.extractor(queries)
    distances = mmcion.rerank(qf, feats, k1=7, k2=6)
    for images in (gallery, store):
        inferencer.set_gallery(images)
        results = inferencer.search(queries, topk=4, rerank=True)
        for row, result in enumerate(results):
            found = ranking(result)
            assert found == np.argsort(distances[row])[:4].tolist()
            np.testing.assert_allclose(
                ranking(result, 'similarity'),
                (qf @ feats.T)[row, found],
                atol=1e-3,  # a store keeps float16
            )
    with pytest.raises(ValueError, match='topk must be an integer'):
        inferencer.search(queries, topk=0, rerank=True)


def test_an_image_finds_itself(inferencer, gallery):
    inferencer.set_gallery(gallery)
    for i, result in enumerate(inferencer.search(gallery, topk=1)):
        assert ranking(result) == [i]
        assert ranking(result, 'similarity') == [pytest.approx(1, abs=1e-5)]


def test_gallery_on_the_disk(inferencer, gallery, tmp_path):
    store = inferencer.extractor.extract_folder(gallery, tmp_path / 'out')
    inferencer.set_gallery(store)
    stored = inferencer.search(gallery, topk=3)
    inferencer.set_gallery(gallery)
    for one, other in zip(stored, inferencer.search(gallery, 3), strict=True):
        assert ranking(one) == ranking(other)
        assert ranking(one, 'image') == ranking(other, 'image')

    other = ReIDInferencer(make_extractor(seed=1))
    with pytest.raises(ValueError, match='other weights than'):
        other.set_gallery(store)
    larger = ReIDInferencer(make_extractor(image_size=(32, 16)))
    words = r"other pipeline than .*'size': \(32, 16\)"
    with pytest.raises(ValueError, match=words):
        larger.set_gallery(store)


def test_transforms_are_the_same_by_either_name(gallery, tmp_path):
    long, short = make_extractor(), make_extractor()
    for each in short.pipeline:
        each['type'] = each['type'].removeprefix('mmcion.')
    for one, other in ((long, short), (short, long)):
        out = tmp_path / 'out'
        store = one.extract_folder(gallery, out, overwrite=True)
        ReIDInferencer(other).set_gallery(store)


def test_gallery_without_images(inferencer, gallery, tmp_path):
    features = inferencer.extractor(gallery)
    inferencer.set_gallery(FeatureStore(features))
    results = inferencer.search(gallery, topk=1)
    assert [ranking(result) for result in results] == [[i] for i in range(6)]
    with pytest.raises(ValueError, match='does not know its images'):
        inferencer.show(results, tmp_path / 'a.png')


def test_arrays(inferencer, gallery):
    arrays = [cv2.imread(str(p)) for p in sorted(gallery.iterdir())]
    inferencer.set_gallery(arrays, channel_order='bgr')
    result = inferencer.search(arrays[2], topk=1, channel_order='bgr')[0]
    assert ranking(result) == [2]
    np.testing.assert_array_equal(result['query'], arrays[2][..., ::-1])
    found = ranking(result, 'image')[0]
    np.testing.assert_array_equal(found, arrays[2][..., ::-1])


def test_mistakes(inferencer, gallery, tmp_path):
    with pytest.raises(ValueError, match='call set_gallery before'):
        inferencer.search(gallery)
    with pytest.raises(ValueError, match='at least one image'):
        inferencer.set_gallery([])
    inferencer.set_gallery(gallery)
    for topk in (0, -1, 2.5, None):
        words = f'topk must be an integer .* got {topk}'
        with pytest.raises(ValueError, match=words):
            inferencer.search(gallery, topk=topk)
    with pytest.raises(ValueError, match=r'threshold .* \[-1, 1\]; got nan'):
        inferencer.compare(*sorted(gallery.iterdir())[:2], float('nan'))
    with pytest.raises(ValueError, match='has a device already'):
        ReIDInferencer(inferencer.extractor, 'cpu')
    with pytest.raises(ValueError, match=r'a\.txt'):
        inferencer.show(inferencer.search(gallery), tmp_path / 'a.txt')


def test_without_calibration_nothing_is_decided(inferencer, gallery):
    first, second = sorted(gallery.iterdir())[:2]
    result = inferencer.compare(first, second)
    a, b = inferencer.extractor([first, second])
    assert result['similarity'] == pytest.approx(float(a @ b), abs=1e-6)
    assert result['same'] is None
    assert result['threshold'] is None
    assert 'no calibrated threshold' in result['reason']
    own = inferencer.compare(first, first, threshold=0.9)
    assert (own['same'], own['threshold']) == (True, 0.9)
    assert own['reason'] == 'given by the caller'
    above = result['similarity'] + 0.01
    assert inferencer.compare(first, second, above)['same'] is False


def test_threshold_of_the_model_file(inferencer, gallery):
    inferencer.extractor.model.spec = ModelSpec(
        {'type': 'TinyBackbone'}, threshold=CALIBRATED
    )
    first, second = sorted(gallery.iterdir())[:2]
    result = inferencer.compare(first, second)
    assert result['same'] is (result['similarity'] >= 0.75)
    assert result['threshold'] == 0.75
    assert 'false-match rate of 0.001' in result['reason']
    assert inferencer.compare(first, second, 0.1)['threshold'] == 0.1
    similarity = result['similarity']
    assert inferencer.compare(first, second, similarity)['same'] is True


def test_compare_takes_one_image_on_each_side(inferencer, gallery):
    with pytest.raises(ValueError, match='on each side; got 6'):
        inferencer.compare(gallery, gallery / '0.png')


def test_similarity_is_never_beyond_1(inferencer, gallery, monkeypatch):
    features = np.full((1, 3), [0.6, 0.8, 1e-3], np.float32)
    for sign in (1, -1):
        rounded = np.float32(1 - sign * 1.0000001)
        monkeypatch.setattr(
            retrieval,
            'nearest_gallery',
            lambda *_, distance=rounded: (
                np.zeros((1, 1), int),
                np.full((1, 1), distance),
            ),
        )
        inferencer.set_gallery(FeatureStore(features))
        path = gallery / '0.png'
        assert inferencer.compare(path, path)['similarity'] == sign
        (found,) = inferencer.search(path, topk=1)
        assert ranking(found, 'similarity') == [sign]


def test_figure_of_the_results(inferencer, gallery, tmp_path):
    inferencer.set_gallery(gallery)
    results = inferencer.search(gallery, topk=3)
    inferencer.show(results, tmp_path / 'new' / 'a.png', cell=(12, 24))
    figure = cv2.imread(str(tmp_path / 'new' / 'a.png'))
    assert figure.std() > 10
    fewer = tmp_path / 'b.jpg'
    inferencer.show(results[:2], fewer, cell=(12, 24))
    assert figure.shape[0] > 2 * cv2.imread(str(fewer)).shape[0]
    one, alone = tmp_path / 'one.png', tmp_path / 'alone.png'
    inferencer.show(results[:1], one, cell=(12, 24))
    inferencer.show(results[0], alone, cell=(12, 24))
    assert alone.read_bytes() == one.read_bytes()


def test_no_query_gives_no_result(inferencer, gallery, tmp_path):
    inferencer.set_gallery(gallery)
    assert inferencer.search([]) == inferencer.search([], rerank=True) == []
    with pytest.raises(UserError, match=r'results .* got \[\]'):
        inferencer.show([], tmp_path / 'a.png')
    with pytest.raises(UserError, match=r'results .* got \[3\]'):
        inferencer.show([3], tmp_path / 'a.png')


def test_single_image_can_be_reranked(inferencer, gallery):
    inferencer.set_gallery(gallery / '3.png')
    (result,) = inferencer.search(gallery / '3.png', rerank=True)
    assert ranking(result) == [0]


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'topk': True}, 'topk .* got True'),
        ({'topk': 2.0}, r'topk .* got 2\.0'),
        ({'rerank': 'no'}, "rerank .* got 'no'"),
    ],
)
def test_wrong_types_are_named(gallery, options, named):
    inferencer = ReIDInferencer(make_extractor())
    inferencer.set_gallery(gallery)
    with pytest.raises(UserError, match=named):
        inferencer.search(gallery, **options)
    images = [gallery / '0.png'] * 2
    with pytest.raises(UserError, match="threshold .* got '0.5'"):
        inferencer.compare(*images, threshold='0.5')


@pytest.mark.parametrize('rerank', [False, True])
def test_unreadable_images_of_a_store_are_not_found(
    inferencer, gallery, tmp_path, rerank
):
    (gallery / '2.png').write_bytes(b'')
    store = inferencer.extractor.extract_folder(
        gallery, tmp_path / 'out', max_unreadable=1
    )
    inferencer.set_gallery(store)
    (result,) = inferencer.search(gallery / '3.png', rerank=rerank)
    assert ranking(result)[0] == 3
    assert sorted(ranking(result)) == [0, 1, 3, 4, 5]
    assert ranking(result, 'image')[0].endswith('3.png')


def test_search_sees_one_gallery(gallery, monkeypatch):
    inferencer = ReIDInferencer(make_extractor())
    inferencer.set_gallery([gallery / f'{i}.png' for i in range(6)])
    nearest = retrieval.nearest_gallery

    def replace_gallery(*args, **kwargs):
        # as another thread would, in the middle of a search
        inferencer.set_gallery(gallery / '5.png')
        return nearest(*args, **kwargs)

    monkeypatch.setattr(retrieval, 'nearest_gallery', replace_gallery)
    (result,) = inferencer.search(gallery / '0.png', topk=6)
    assert ranking(result)[0] == 0
    assert ranking(result, 'image')[0].endswith('0.png')


def test_names_with_line_breaks_are_shown(inferencer, gallery, tmp_path):
    name = gallery / 'a\n日本\udce9.png'
    (gallery / '0.png').rename(name)
    inferencer.set_gallery(gallery)
    inferencer.show(inferencer.search(name), tmp_path / 'a.png')
    assert (tmp_path / 'a.png').is_file()
