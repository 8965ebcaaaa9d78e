import numpy as np

from mmcion.structures import RetrievalResult

from .test_reid_features import make_features


def test_roc_curve_is_optional():
    empty = np.zeros((0, 5))
    result = RetrievalResult(
        make_features(),
        scores={'mAP': 1.0},
        query_rows=np.arange(2),
        ap=np.ones(2),
        num_matches=np.ones(2, int),
        nearest=empty,
        distances=empty,
        cmc=np.ones(5),
    )
    assert result.roc is None
    assert result.unit == 'image'
