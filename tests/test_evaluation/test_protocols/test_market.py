import numpy as np
import pytest

from mmcion.evaluation import MarketProtocol, evaluate
from mmcion.evaluation.protocols import Labels, as_pids, build_protocol
from mmcion.utils.checks import UserError


def rows_of(found):
    parts = np.split(found.values, found.ptr[1:-1])
    return [part.tolist() for part in parts]


def test_split_by_identity_and_camera():
    labels = Labels(
        q_pids=np.array([7, -1, 9]),
        g_pids=np.array([7, 0, 7, -1, 7, 9]),
        q_cams=np.array([1, 1, 2]),
        g_cams=np.array([1, 1, 2, 2, 1, 2]),
    )
    (split,) = MarketProtocol().splits(labels)
    assert split.gallery is None
    assert split.queries.tolist() == [0, 2]
    assert split.junk.tolist() == [3]
    assert rows_of(split.matches) == [[2], []]
    assert rows_of(split.ignored) == [[0, 4], [5]]


def test_without_cameras_every_image_of_the_identity_matches():
    labels = Labels(np.array(['a', 'b']), np.array(['b', 'a', 'a']))
    (split,) = MarketProtocol().splits(labels)
    assert rows_of(split.matches) == [[1, 2], [0]]
    assert rows_of(split.ignored) == [[], []]


def test_protocols_by_name_config_or_object():
    assert isinstance(build_protocol('MarketProtocol'), MarketProtocol)
    built = build_protocol({'type': 'SYSUMM01Protocol', 'shots': 10})
    assert built.shots == 10
    assert build_protocol(built) is built
    expected = "SYSUMM01Protocol(mode='all', shots=10, num_trials=10)"
    assert repr(built) == expected


@pytest.mark.parametrize(
    ('protocol', 'named'),
    [
        ('Market', "CUHK03Protocol.*MarketProtocol.*'Market'"),
        ({'mode': 'all'}, 'got None'),
        (3, 'MarketProtocol.* got 3'),
        ({'type': 'SYSUMM01Protocol', 'mod': 'all'}, 'mod'),
        ({'type': 'SYSUMM01Protocol', 'mode': 'up'}, "'up'"),
    ],
)
def test_mistakes_are_named(protocol, named):
    with pytest.raises(UserError, match=named):
        build_protocol(protocol)


def test_own_protocol_may_average_several_galleries():
    class Twice(MarketProtocol):
        def splits(self, labels, ignore_pids=(-1,)):
            first = self.split(labels, ignore_pids, np.array([0, 1]))
            return [first, self.split(labels, ignore_pids)]

    gf = [[1, 0], [0, 1], [3, 1]]
    result = evaluate([[1, 0]], gf, [1], [2, 1, 1], protocol=Twice())
    # matches at rank 2 of 2, and at ranks 2 and 3 of 3
    assert result['mAP'] == pytest.approx((1 / 2 + (1 / 2 + 2 / 3) / 2) / 2)
    assert result['mINP'] == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_identities_to_ignore():
    assert as_pids(None) == []
    assert as_pids(np.int64(3)) == [3]
    assert as_pids('junk') == ['junk']
    assert as_pids((1, 2)) == [1, 2]
