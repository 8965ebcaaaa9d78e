import pytest

from mmcion.evaluation import EvaluationOptions, MarketProtocol


def test_defaults_are_filled_in():
    options = EvaluationOptions(rerank={'k1': 30}, query_expansion={'k': 4})
    assert options.rerank == {
        'k1': 30,
        'k2': 6,
        'lambda_value': 0.3,
        'variant': 'zhong',
    }
    assert options.query_expansion == {'k': 4, 'alpha': 3}
    assert isinstance(options.protocol, MarketProtocol)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'ties': 'best'}, "ties must be one of .*got 'best'"),
        ({'ranks': 5}, 'ranks must be whole numbers'),
        ({'ranks': (0,)}, 'ranks must be'),
        ({'distance': 'l1'}, "distance must be one of .*got 'l1'"),
        ({'rerank': True}, 'rerank takes a dict with k1, k2, lambda_value'),
        ({'rerank': {'k': 20}}, "rerank takes a dict .*got {'k': 20}"),
        ({'rerank': {'k1': 5}}, r'k2 must be in \[1, k1 = 5\]; got 6'),
        ({'rerank': {'variant': 'gpu'}}, 'variant must be one of'),
        ({'query_expansion': 5}, 'query_expansion takes a dict with k, alpha'),
        ({'query_expansion': {}}, r'needs k, such as dict\(k=5\)'),
        ({'query_expansion': {'k': -1}}, 'k must not be negative'),
        ({'fprs': (2,)}, r'fprs must be in \[0, 1\]; got 2'),
        ({'protocol': 'Market'}, 'protocol must be one of'),
        (
            {'distance': 'euclidean', 'query_expansion': {'k': 2}},
            "must be 'cosine'; got 'euclidean'",
        ),
    ],
)
def test_mistakes_are_told_before_there_are_features(options, message):
    with pytest.raises(ValueError, match=message):
        EvaluationOptions(**options)
