import base64
import io
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

from mmcion.visualization import (
    Tile,
    TileGroup,
    TrainingCurve,
    training_chart,
    write_report,
)
from mmcion.visualization.report import TEMPLATES

from .html_page import Page, check_self_contained, text

ROOT = Path(__file__).parents[2]
NASTY = '<script>alert("&\'")</script>'
TEMPLATE = """{% extends 'report.html.jinja' %}
{% from 'macros.html.jinja' import bar, bars, card, cell, chart, crops, head,
   section, table, text with context %}
{% set title, lead, footer = words, words, words %}
{% block body %}
<ul class="cards">{{ card(12345, words, words) }}{{ card(words, 'x') }}</ul>
{% for _ in range(3) %}
{% call section(words) %}<p>{{ words }}</p>{% endcall %}
{% endfor %}
{% call section('numbers') %}
{% set header, values = [words, 'n', 'text'], [1234567, 0.12345, none] %}
{% call(row) table(header, values, words, ['text']) %}
{{ head(words) }}{{ cell(row) }}{{ text(words) }}
{% endcall %}
{{ bars({words: 3, 'b': 1, 'c': 0}, words, words) }}
{% endcall %}
{{ chart(figure, words, words) }}
{{ crops(groups) }}
{% endblock %}
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a page with all parts."""
    (tmp_path / 'page.html.jinja').write_text(TEMPLATE)

    def write(words='words', **facts):
        image = Image.new('RGB', (60, 40), (200, 30, 60))
        tiles = [Tile(image, words, 'red', words), Tile(None, '', '', words)]
        facts = {
            'words': words,
            'figure': training_chart(TrainingCurve([1, 2], [5, 4])),
            'groups': [TileGroup([tiles, tiles[:1]], words)],
            **facts,
        }
        file = tmp_path / 'new' / 'page.html'
        write_report(file, tmp_path / 'page.html.jinja', **facts)
        return Page(file)

    return write


def test_page_is_self_contained(write):
    page = write()
    check_self_contained(page)
    assert len(page.images('svg+xml')) == 1
    assert len(page.images('jpeg')) == 2
    assert len(list(page.root.find('.//nav'))) == 4


def test_every_text_is_escaped(write):
    page = write(NASTY)
    check_self_contained(page)
    assert '<script' not in page.source
    assert page.text.count(NASTY) >= 15
    assert {image.get('alt') for image in page.images()} == {NASTY}
    assert text(page.root.find('head/title')) == NASTY


def test_few_sections_need_no_contents(tmp_path):
    template = tmp_path / 'page.html.jinja'
    template.write_text(
        "{% extends 'report.html.jinja' %}{% set title, lead = 'a', 'b' %}"
    )
    write_report(tmp_path / 'a.html', template)
    assert Page(tmp_path / 'a.html').root.find('.//nav') is None


def test_images_survive(write):
    source = write().images('jpeg')[0].get('src')
    data = base64.b64decode(source.split(',')[1])
    image = np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
    assert image.shape == (40, 60, 3)
    assert np.abs(image[20, 30] - np.array([200.0, 30, 60])).max() < 8


def test_charts_are_narrower_on_a_phone(write):
    (source,) = write().root.iter('source')
    wide, narrow = (
        base64.b64decode(uri.split(',')[1])
        for uri in (
            write().images('svg+xml')[0].get('src'),
            source.get('srcset'),
        )
    )
    assert b'width="691.2pt"' in wide
    assert b'width="345.6pt"' in narrow


def test_numbers_are_formatted(write):
    rows = write().rows('numbers')
    assert [row[1] for row in rows[:3]] == ['1,234,567', '0.123', '–']
    assert rows[3:] == [['words', '3'], ['b', '1'], ['c', '0']]


def test_bars_are_as_long_as_their_numbers(write):
    found = write().sections['numbers'].iter('td')
    bars = [cell.get('style') for cell in found if cell.get('class') == 'bar']
    assert bars == ['--part: 100.0%', '--part: 33.3%', '--part: 0.0%']


def test_unreadable_images_are_named_and_counted(write):
    page = write()
    missing = page.root.find(".//div[@class='unreadable']")
    assert text(missing) == 'words'
    assert '1 of 3 images could not be read' in page.text


def test_sides_have_equal_columns_in_all_groups(write):
    one = Tile(None)
    groups = [TileGroup([[one] * 2, [one] * 9]), TileGroup([[], [one] * 12])]
    sides = [
        side.get('style')
        for side in write(groups=groups).root.iter('div')
        if side.get('class') == 'side'
    ]
    assert (
        sides
        == [
            '--columns: 2; --narrow: 1',
            '--columns: 10; --narrow: 5',
        ]
        * 2
    )


def test_a_missing_fact_is_a_mistake(tmp_path):
    template = tmp_path / 'page.html.jinja'
    template.write_text("{% extends 'report.html.jinja' %}")
    with pytest.raises(UndefinedError, match='title'):
        write_report(tmp_path / 'a.html', template)
    assert not (tmp_path / 'a.html').exists()


def test_package_has_all_files():
    patterns = (ROOT / 'setup.py').read_text()
    found = {file.suffix for file in TEMPLATES.iterdir() if file.is_file()}
    for suffix in found - {'.py'}:
        assert f"'visualization/*{suffix}'" in patterns


def test_names_that_are_not_utf8_are_written(tmp_path):
    template = tmp_path / 'page.html.jinja'
    template.write_text('{{ name }}')
    write_report(tmp_path / 'a.html', template, name='caf\udce9\n日本')
    page = (tmp_path / 'a.html').read_text(encoding='utf-8')
    assert page == 'caf?\n日本'
