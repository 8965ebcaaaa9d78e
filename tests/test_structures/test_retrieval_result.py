import numpy as np

from mmcion.structures import RetrievalResult

from .test_reid_features import make_features


def test_curve_is_optional_and_of_its_own():
    empty = np.zeros((0, 5))
    first, second = (
        RetrievalResult(
            make_features(),
            scores={'mAP': 1.0},
            query_rows=np.arange(2),
            ap=np.ones(2),
            num_matches=np.ones(2, int),
            nearest=empty,
            distances=empty,
            cmc=np.ones(5),
        )
        for _ in range(2)
    )
    first.roc['tpr'] = np.ones(1)
    assert second.roc == {}
