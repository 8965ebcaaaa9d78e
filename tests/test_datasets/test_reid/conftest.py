import pytest

from mmcion.datasets.reid import (
    dukemtmcreid,
    matches,
    msmt17,
    published_counts,
)


@pytest.fixture
def messages(monkeypatch):
    """What is logged, as (level, text)."""
    lines = []

    def keep(text, logger, level=20):
        lines.append((level, text))

    for module in (dukemtmcreid, matches, msmt17, published_counts):
        monkeypatch.setattr(module, 'print_log', keep)
    return lines
