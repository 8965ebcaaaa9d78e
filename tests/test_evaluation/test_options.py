import pytest

from mmcion.evaluation import EvaluationOptions, MarketProtocol
from mmcion.utils.checks import UserError


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


def test_single_values_are_sequences_of_one():
    options = EvaluationOptions(ranks=5, fprs=0.1, ignore_pids=-1)
    assert options.ranks == (5,)
    assert options.fprs == (0.1,)
    assert options.ignore_pids == [-1]


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'ranks': (0,)}, 'ranks.*0'),
        ({'ranks': (1.5,)}, r'ranks.*1\.5'),
        ({'distance': 'l1'}, "'l1'"),
        ({'rerank': True}, 'k1, k2, lambda_value'),
        ({'rerank': {'k': 20}}, "'k'"),
        ({'rerank': {'k1': 5}}, r'k2 .*5.*got 6'),
        ({'rerank': {'variant': 'gpu'}}, "'gpu'"),
        ({'query_expansion': 5}, 'k, alpha'),
        ({'query_expansion': {}}, "'k'"),
        ({'query_expansion': {'k': -1}}, 'k .*-1'),
        ({'fprs': (2,)}, 'fprs.*2'),
        ({'keep_nearest': -1}, 'keep_nearest.*-1'),
        ({'protocol': 'Market'}, "'Market'"),
        (
            {'distance': 'euclidean', 'query_expansion': {'k': 2}},
            "'cosine'.*'euclidean'",
        ),
    ],
)
def test_values_out_of_range_are_named(options, named):
    with pytest.raises(UserError, match=named):
        EvaluationOptions(**options)


def test_unknown_option_is_named():
    with pytest.raises(UserError, match="'protocol'.*'max_rank'"):
        EvaluationOptions.from_options({'max_rank': 50})
    with pytest.raises(UserError, match="'ranks'.*'distance'"):
        EvaluationOptions.from_options({'distance': 'cosine'}, ['ranks'])
