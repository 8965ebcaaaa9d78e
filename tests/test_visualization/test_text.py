import numpy as np
import pytest

from mmcion.visualization.text import (
    clock,
    count_of,
    drawable,
    format_number,
    format_setting,
    percent,
    percent_of,
)


@pytest.mark.parametrize(
    ('number', 'noun', 'text'),
    [
        (1, 'video', '1 video'),
        (0, 'video', '0 videos'),
        (12345, 'image', '12,345 images'),
        (2, 'identity', '2 identities'),
        (2, 'query', '2 queries'),
        (1, 'identity', '1 identity'),
        (3, 'match', '3 matches'),
    ],
)
def test_numbers_and_nouns_agree(number, noun, text):
    assert count_of(number, noun) == text


def test_percentages():
    assert percent(0.125) == '12.5%'
    assert percent(None) == '–'
    assert percent_of(1, 8) == '12.5%'
    assert percent_of(0, 0) == '–'


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (12345, '12,345'),
        (np.int64(12345), '12,345'),
        (0.12345, '0.123'),
        (np.float32(0.5), '0.500'),
        (None, '–'),
        ('12.5%', '12.5%'),
        ('', '–'),
    ],
)
def test_numbers(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, 'none'),
        ((), 'none'),
        (True, 'yes'),
        (0.43354, '0.4335'),
        (3, '3'),
        ((256, 128), '256, 128'),
        ({'k1': 20, 'k2': None}, 'k1 20, k2 none'),
        ({'a': {'type': 'Stripes'}}, 'a type Stripes'),
    ],
)
def test_settings(value, text):
    assert format_setting(value) == text


def test_long_settings_are_cut():
    text = format_setting({'mean': list(range(999)), 'k': 2})
    assert text.startswith('mean 0, 1')
    assert text.endswith('[...], k 2')
    assert len(text) < 100


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('café ✓ → …', 'café ✓ → …'),
        ('two\r\nlines\tand more', 'two lines and more'),
        ('caf\udce9', 'caf□'),
        ('日本 1', '□□ 1'),
        ('\x1b[1m\x00', '□[1m□'),
        ('', ''),
    ],
)
def test_text_becomes_a_line_that_the_font_has(text, shown):
    assert drawable(text) == shown


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(0, '0:00'), (7.6, '0:08'), (59.7, '1:00'), (3723, '1:02:03')],
)
def test_times(seconds, text):
    assert clock(seconds) == text
