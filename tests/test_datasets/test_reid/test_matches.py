import re

import pytest

from mmcion.datasets.reid.matches import report_matches
from mmcion.datasets.reid.reid_image import NO_CAMERA, ReIDImage


def images(*ids):
    return [ReIDImage('', *each) for each in ids]


def test_queries_with_a_match_are_counted(messages):
    queries = images((0, 0), (1, 0), (2, 0), (-1, 0))
    gallery = images((0, 0), (0, 1), (1, 0), (-1, 1))
    report_matches('data', queries, gallery)
    text = (
        'data: 4 gallery images, 3 queries, 1 with a valid match from '
        'another camera, 2 from any camera (test_evaluator.camera_aware=False)'
    )
    assert messages == [(20, text)]


def test_rule_of_its_own(messages):
    ignored = {3: {2}}
    queries = images((0, 3), (1, 3), (2, 6))
    gallery = images((0, 2), (0, 1), (1, 2), (2, 2))
    report_matches('data', queries, gallery, ignored_cams=ignored)
    assert messages[0][1].endswith(
        '3 queries, 2 with a valid match by its protocol'
    )
    messages.clear()
    report_matches('data', queries[1:2], gallery, ignored_cams=ignored)
    text = messages[1][1]
    assert 'from ignored cameras' in text


def test_cameras_do_not_count_where_none_is_known(messages):
    no_camera = images((0, NO_CAMERA))
    report_matches('data', no_camera, no_camera)
    ((level, text),) = messages
    assert level == 20
    assert text.endswith(
        '1 with a valid match from any camera, as none is known'
    )


@pytest.mark.parametrize(
    ('queries', 'gallery', 'reason'),
    [
        (images((-1, 0)), images((0, 0)), 'there is no query image'),
        (images((0, 0)), images((-1, 0)), 'there is no gallery image'),
        (images((0, 0)), images((1, 1)), 'no query identity is in the'),
    ],
)
def test_cause_where_no_query_has_a_match(messages, queries, gallery, reason):
    report_matches('data', queries, gallery)
    (_, (level, text)) = messages
    assert level == 30
    assert re.search(f'no query has a match: {reason}', text)


def test_matches_of_the_own_camera_only_are_no_alarm(messages):
    # the metric counts them with camera_aware=False, and refuses else
    report_matches('data', images((0, 0), (1, 0)), images((0, 0)))
    ((level, text),) = messages
    assert level == 20
    assert '0 with a valid match from another camera, 1 from any' in text
