import pytest

from mmcion.visualization import rounds_chart, write_rounds_page

from .html_page import Page, check_self_contained, text

NASTY = '<script>alert(1)</script>'


def round_of(number, **facts):
    """Return an entry of ``rounds.json``."""
    return {
        'number': number,
        'images': 1_500,
        'kept': 0.75,
        'identities': 20 - number,
        'identities_in_several_videos': 4 * number,
        'links': 5 * number,
        'self_check': None,
        'ari': None if number == 1 else 0.875,
        'in_both': None if number == 1 else 0.5,
        'scores': None,
        'counted': True,
        'why': 'the first' if number == 1 else f'links {NASTY}',
        **facts,
    }


def report_of(*rounds, result=None):
    result = result or len(rounds)
    return {
        'rounds': list(rounds),
        'result': {
            'round': result,
            'identities': f'round_{result}/{NASTY}',
            'weights': None,
        },
        'ended': f'Round {len(rounds)} was the last {NASTY}.',
    }


def test_rounds_are_side_by_side(tmp_path):
    report = report_of(round_of(1), round_of(2))
    file = tmp_path / 'rounds.html'
    write_rounds_page(file, report, commands=[f'one {NASTY}'])
    page = Page(file)
    check_self_contained(page)
    assert page.rows('Rounds side by side') == [
        ['round 1', '19', '4', '5', '75.0%', '–', 'yes'],
        ['round 2', '18', '8', '10', '75.0%', '0.875', 'yes'],
    ]
    section = text(page.sections['Rounds side by side'])
    assert report['ended'] in section
    assert f'Round 2 counts: links {NASTY}.' in section
    assert 'no self-check' in section and 'true' not in section
    assert page.cards == {
        'is the result': ('round 2', 'of 2 rounds'),
        'identities': ('18', '19 in round 1'),
        'images kept': ('75.0%', '75.0% in round 1'),
        'links between videos': ('10', '5 in round 1'),
    }
    assert f'round_2/{NASTY}' in text(page.sections['The result'])
    assert f'one {NASTY}' in text(page.sections['What was run'])


def test_self_check_and_truth_have_columns(tmp_path):
    more = {'self_check': {'recall': 0.5, 'precision': 0.25}}
    more['scores'] = {'pairwise_f1': 0.125}
    # the second round gave no identities
    second = round_of(2, counted=False, images=0, kept=0.0, links=None)
    report = report_of(round_of(1, **more), second, result=1)
    write_rounds_page(tmp_path / 'rounds.html', report)
    page = Page(tmp_path / 'rounds.html')
    assert [row[6:] for row in page.rows('Rounds side by side')] == [
        ['0.500', '0.250', '0.125', 'yes'],
        ['–', '–', '–', 'no'],
    ]
    assert 'Round 2 does not count' in page.text
    assert page.cards['F1 against the truth'][0] == '0.125'


def test_chart_has_a_line_for_each_ratio_that_is_known():
    checked = {'self_check': {'recall': 0.5, 'precision': None}}
    rounds = [round_of(1), round_of(2, **checked), round_of(3)]
    (axes,) = rounds_chart(rounds).axes
    lines = {
        line.get_label(): (line.get_xdata(), line.get_ydata().tolist())
        for line in axes.get_lines()
    }
    assert list(lines) == [
        'images kept',
        'recall of the self-check',
        'ARI to the round before',
    ]
    x, y = lines['ARI to the round before']
    assert list(x) == [2, 3] and y == pytest.approx([0.875, 0.875])


def test_equal_rounds_give_equal_pages(tmp_path):
    for name in ('a', 'b'):
        write_rounds_page(tmp_path / name, report_of(round_of(1), round_of(2)))
    assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()
