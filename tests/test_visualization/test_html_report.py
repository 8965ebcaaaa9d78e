import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from mmcion.visualization import Card, HtmlReport, score_bars

NASTY = '<script>alert("&\'")</script>'
VOID = {'meta', 'img'}


class Outline(HTMLParser):
    """Collects elements and text, and checks that tags are balanced."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ''
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [values for name, values in self.attributes if name == tag]


def full_report(text='text'):
    report = HtmlReport(text, text, text)
    report.add_cards([Card(12345, text, text), Card(text, text)])
    for _ in range(3):
        report.add_section(text, text)
    report.add_code(text)
    report.add_table([text, 'n'], [[text, 1], [text, None]], text)
    report.add_figure(score_bars({'a': 0.5}), alt=text, caption=text)
    picture = np.full((40, 60, 3), (200, 30, 60), np.uint8)
    report.add_image(picture, alt=text, caption=text)
    return report


def test_page_is_self_contained():
    page = full_report().to_html()
    outline = Outline(page)
    assert not re.search(r'https?://|url\(|@import', page)
    assert not {'script', 'link', 'iframe', 'object'} & set(outline.tags)
    sources = [image['src'] for image in outline.all('img')]
    assert len(sources) == 2
    assert all(source.startswith('data:image/') for source in sources)
    targets = {link['href'] for link in outline.all('a')}
    assert targets == {f'#{s["id"]}' for s in outline.all('section')}


def test_every_text_is_escaped():
    page = full_report(NASTY).to_html()
    outline = Outline(page)
    assert 'script' not in outline.tags
    assert '<script' not in page
    assert outline.text.count(NASTY) >= 15
    assert [image['alt'] for image in outline.all('img')] == [NASTY] * 2


def test_images_survive():
    sources = [i['src'] for i in Outline(full_report().to_html()).all('img')]
    kinds = [source.split(',')[0] for source in sources]
    assert kinds == [
        'data:image/svg+xml;base64',
        'data:image/jpeg;base64',
    ]
    data = base64.b64decode(sources[1].split(',')[1])
    picture = np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
    assert picture.shape == (40, 60, 3)
    assert np.abs(picture[20, 30] - np.array([200.0, 30, 60])).max() < 8


def test_pictures_that_hardly_compress_are_written():
    report = HtmlReport('t')
    report.add_section('s')
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3))
    report.add_image(noise.astype(np.uint8), alt='noise', quality=95)
    assert len(report.to_html()) > noise[..., 0].size


def test_numbers_are_formatted_and_aligned():
    report = HtmlReport('t')
    report.add_section('s')
    report.add_table(
        ['name', 'count', 'score', 'mixed'],
        [['a', 1234567, 0.12345, 1], ['b', np.int64(7), None, 'x']],
    )
    page = report.to_html()
    assert '<th scope="row">a</th>' in page
    assert '<td class="number">1,234,567</td>' in page
    assert '<td class="number">0.123</td>' in page
    assert '<td class="number">–</td>' in page
    assert '<td>x</td>' in page


def test_percentages_are_numbers():
    report = HtmlReport('t')
    report.add_section('s')
    report.add_table(['a', 'b'], [['12.5%', '1% → 2%'], [None, 3]])
    page = report.to_html()
    assert '<td class="number">–</td>' in page
    assert '<td>1% → 2%</td>' in page


@pytest.mark.parametrize(
    ('cards', 'kind'), [(4, 'cards'), (5, 'cards'), (6, 'cards three')]
)
def test_six_cards_stand_in_two_full_lines(cards, kind):
    report = HtmlReport('t')
    report.add_cards([Card(1, 'x')] * cards)
    assert f'<ul class="{kind}">' in report.to_html()


def test_paragraphs_are_split_at_empty_lines():
    report = HtmlReport('t')
    report.add_section('s', 'one\ntwo\n\nthree')
    assert '<p>one\ntwo</p>\n<p>three</p>' in report.to_html()


def test_page_has_what_readers_need():
    page = full_report().to_html()
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert 'name="viewport"' in page
    assert '@media print' in page
    assert 'max-width: 640px' in page
    assert 'tabular-nums' in page


def test_saved_whole_in_utf8(tmp_path):
    report = HtmlReport('Grüße – 人')
    report.save(tmp_path / 'new' / 'report.html')
    files = list((tmp_path / 'new').iterdir())
    assert [file.name for file in files] == ['report.html']
    assert 'Grüße – 人' in files[0].read_text(encoding='utf-8')


def test_mistakes_are_named():
    report = HtmlReport('t')
    with pytest.raises(ValueError, match='add_section first'):
        report.add_text('x')
    report.add_section('s')
    with pytest.raises(ValueError, match='has 1 cells, the header 2'):
        report.add_table(['a', 'b'], [[1]])
