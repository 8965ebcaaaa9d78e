import numpy as np
import pytest
from PIL import Image

from mmcion.structures import ReIDFeatures, RocCurve
from mmcion.visualization import draw_retrieval

from .small_retrieval import make_features, rank

ROC = RocCurve(
    thresholds=np.array([0.1, 0.2, 0.3]),
    tpr=np.array([0.5, 0.75, 1]),
    fpr=np.array([0, 0.5, 1]),
    num_matches=4,
    num_wrong=2,
)


@pytest.fixture
def result(tmp_path):
    return rank(make_features(tmp_path, people=5, noise=1.0), roc=ROC)


def test_all_pictures_are_written(result, tmp_path):
    picture = np.full((30, 40, 3), 90, np.uint8)
    pictures = draw_retrieval(result, method='pca', activation=picture)
    files = pictures.save(tmp_path / 'out')
    assert sorted(tmp_path.glob('out/*')) == sorted(files)
    assert [file.name for file in files] == [
        'cmc.png',
        'roc.png',
        'average_precision.png',
        'random_queries.png',
        'worst_queries.png',
        'confident_errors.png',
        'embedding_map.png',
        'activation_maps.png',
    ]
    for file in files:
        with Image.open(file) as image:
            assert image.format == 'PNG'
    assert np.array_equal(Image.open(files[-1]), picture)
    assert np.array_equal(Image.open(files[3]), pictures.random.image)


def test_chart_holds_the_curve_of_the_result(result):
    pictures = draw_retrieval(result, name='mine', method='pca')
    line = pictures.cmc.axes[0].get_lines()[0]
    assert line.get_ydata() == pytest.approx(result.cmc)
    assert line.get_label().startswith('mine')
    bars = pictures.average_precision.axes[0].patches
    assert sum(bar.get_height() for bar in bars) == len(result.ap)


def test_options_reach_the_pictures(result):
    pictures = draw_retrieval(
        result, queries=2, places=3, people=[1], method='pca'
    )
    assert len(pictures.random.queries) == 2
    assert pictures.worst.queries[0] == result.ap.argmin()
    named = pictures.embedding.axes[0].get_legend().get_texts()
    assert [text.get_text() for text in named] == ['1']
    wider = draw_retrieval(result, queries=2, method='pca')
    assert wider.random.image.shape[1] > pictures.random.image.shape[1]


def test_what_is_not_there_is_left_out(result, tmp_path):
    result.roc = None
    result.num_matches[:] = 0
    pictures = draw_retrieval(result, queries=0, people=0)
    assert pictures.roc is None
    assert pictures.embedding is None
    assert pictures.average_precision is None
    assert pictures.random.image is None
    assert [f.name for f in pictures.save(tmp_path / 'out')] == ['cmc.png']


def test_nobody_asked(tmp_path):
    features = make_features(tmp_path, people=2)
    features.pid[:] = -1
    result = rank(ReIDFeatures(**vars(make_features(tmp_path, people=2))))
    result.features = features
    assert draw_retrieval(result).embedding is None


def test_mistakes(result):
    with pytest.raises(ValueError, match='queries must not be negative'):
        draw_retrieval(result, queries=-1)
    with pytest.raises(ValueError, match='places must not be negative'):
        draw_retrieval(result, places=-1)


def test_seed_chooses_queries(result):
    drawn = [
        draw_retrieval(result, queries=3, people=0, seed=seed).random.queries
        for seed in range(4)
    ]
    assert len({tuple(queries) for queries in drawn}) > 1
