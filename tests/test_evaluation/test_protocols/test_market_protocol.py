import numpy as np
import pytest

from mmcion.evaluation import MarketProtocol, SYSUMM01Protocol, evaluate
from mmcion.evaluation.protocols import Labels, build_protocol


def test_one_ranking_of_the_whole_gallery():
    labels = Labels(np.array([1, -1]), np.array([1, 5, -1]))
    ((rows, rule),) = MarketProtocol().trials(labels, (5, -1))
    assert rows is None
    assert rule.query_rows.tolist() == [0]
    assert rule.ignored.tolist() == [1, 2]


def test_protocols_by_name_config_or_object():
    assert isinstance(build_protocol('MarketProtocol'), MarketProtocol)
    built = build_protocol({'type': 'SYSUMM01Protocol', 'shots': 10})
    assert built.shots == 10
    assert build_protocol(built) is built
    expected = "SYSUMM01Protocol(mode='all', shots=10, num_trials=10)"
    assert repr(built) == expected


@pytest.mark.parametrize(
    ('protocol', 'message'),
    [
        ('Market', r"one of CUHK03Protocol, MarketProtocol.*got 'Market'"),
        ({'mode': 'all'}, 'got None'),
        ({'type': 'SYSUMM01Protocol', 'mod': 'all'}, 'no such options.*mod'),
        ({'type': 'SYSUMM01Protocol', 'mode': 'up'}, 'mode must be one of'),
    ],
)
def test_mistakes(protocol, message):
    with pytest.raises(ValueError, match=message):
        build_protocol(protocol)


def test_own_protocol_is_taken_as_it_is():
    class Twice(MarketProtocol):
        def trials(self, labels, ignore_pids=(-1,)):
            (trial,) = super().trials(labels, ignore_pids)
            first = trial._replace(gallery_rows=np.array([0, 1]))
            rule = self.rule(labels.of_gallery(first.gallery_rows))
            return [first._replace(rule=rule), trial]

    gf = [[1, 0], [0, 1], [3, 1]]
    result = evaluate([[1, 0]], gf, [1], [2, 1, 1], protocol=Twice())
    # matches at place 2 of 2, and at places 2 and 3 of 3
    assert result['mAP'] == pytest.approx((1 / 2 + (1 / 2 + 2 / 3) / 2) / 2)
    assert result['mINP'] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert isinstance(build_protocol(Twice()), Twice)
    assert SYSUMM01Protocol().num_trials == 10
