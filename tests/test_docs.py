"""Links between pages lead to files and headings that are there."""

import re

import pytest

from .tool_utils import ROOT

PAGES = [
    path
    for top in ('', 'configs/**/', 'docs/**/', 'projects/**/')
    for path in sorted(ROOT.glob(f'{top}*.md'))
    if not {'_build', 'generated'} & set(path.parts)
]
_LINK = re.compile(r'\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)')
_HEADING = re.compile(r'^#+ (.*)$', re.M)
_CODE = re.compile(r'^```.*?^```$', re.M | re.S)


def anchors(page):
    """Return what code hosts and MyST make of the headings of a page."""
    words = re.sub(r'[^\w\s-]', '', '\n'.join(_HEADING.findall(page)).lower())
    return {line.replace(' ', '-') for line in words.splitlines()}


@pytest.mark.parametrize(
    'path', PAGES, ids=[str(path.relative_to(ROOT)) for path in PAGES]
)
def test_links_of_the_page(path):
    """The site has no page for a folder: links name its README."""
    for target, anchor in _LINK.findall(_CODE.sub('', path.read_text())):
        file = path.parent / target if target else path
        assert file.is_file(), target
        if anchor:
            assert anchor in anchors(_CODE.sub('', file.read_text())), anchor
