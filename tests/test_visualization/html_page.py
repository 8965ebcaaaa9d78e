"""Reads a page into a tree, as a browser would."""

from html.parser import HTMLParser
from xml.etree import ElementTree

VOID = {'img', 'meta', 'source'}
LOADING = {'script', 'link', 'iframe', 'object', 'embed', 'style'}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.builder = ElementTree.TreeBuilder()

    def handle_starttag(self, tag, attrs):
        self.builder.start(tag, {k: v or '' for k, v in attrs})
        if tag in VOID:
            self.builder.end(tag)

    def handle_endtag(self, tag):
        self.builder.end(tag)  # fails if another one is open

    def handle_data(self, data):
        self.builder.data(data)


class Page:
    """A page and what tests look for in it."""

    def __init__(self, file):
        self.source = file.read_text(encoding='utf-8')
        reader = _Reader()
        reader.feed(self.source)
        reader.close()
        self.root = reader.builder.close()

    @property
    def text(self):
        return text(self.root.find('body'))

    @property
    def sections(self):
        """Sections by title."""
        found = self.root.iter('section')
        return {text(section.find('h2')): section for section in found}

    @property
    def cards(self):
        """Value and note of key figures by label."""
        return {
            text(card.find('span')): tuple(
                text(part)
                for part in (card.find('b'), card.find('small'))
                if part is not None
            )
            for card in self.root.iter('li')
        }

    def rows(self, title):
        """Cells of the tables of a section, without headers."""
        return [
            [text(cell) for cell in row]
            for body in self.sections[title].iter('tbody')
            for row in body
        ]

    def tiles(self, title):
        """Caption, colour of the border and image of tiles of a section."""
        return [
            (
                text(tile.find('figcaption')),
                tile.get('style', '').removeprefix('--border: var(--')[:-1],
                tile.find('img'),
            )
            for tile in self.sections[title].iter('figure')
            if tile.get('class') == 'tile'
        ]

    def images(self, kind=''):
        """Images of a kind, such as ``jpeg``."""
        start = f'data:image/{kind}'
        found = self.root.iter('img')
        return [image for image in found if image.get('src').startswith(start)]


def text(element):
    """Return the text of an element with single spaces."""
    return ' '.join(''.join(element.itertext()).split())


def check_self_contained(page):
    """Fail if a page loads something, runs something or has no alt text."""
    tags = [element.tag for element in page.root.iter()]
    assert not LOADING & set(tags) - {'style'}
    (style,) = page.root.iter('style')
    assert 'url(' not in style.text and '@import' not in style.text
    for element in page.root.iter():
        assert not [name for name in element.attrib if name.startswith('on')]
        for name in ('src', 'srcset'):
            assert element.get(name, 'data:image/').startswith('data:image/')
    for image in page.root.iter('img'):
        assert image.get('alt')
    targets = {link.get('href') for link in page.root.iter('a')}
    ids = {f'#{section.get("id")}' for section in page.root.iter('section')}
    assert {t for t in targets if t.startswith('#')} in (set(), ids)
