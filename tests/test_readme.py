"""The Python of README.md runs for whoever has just typed `make demo`."""

import re
import shutil

import cv2
import numpy as np
import pytest

from mmcion import __version__

from .page_utils import read_blocks
from .tool_utils import ROOT


@pytest.fixture
def demo(crops, full_run, tmp_path, monkeypatch):
    """Folder of the demo, with a tiny network and few crops."""
    demo = tmp_path / 'work_dirs' / 'quickstart'
    shutil.copytree(crops, demo / 'tracklets' / 'crops' / 'street')
    for path in demo.rglob('*.png'):
        cv2.imwrite(str(path.with_suffix('.jpg')), cv2.imread(str(path)))
        path.unlink()
    (demo / 'cion').mkdir()
    shutil.copy(full_run / 'epoch_2.pth', demo / 'cion' / 'epoch_5.pth')
    monkeypatch.chdir(tmp_path)
    return demo


def test_python_of_the_page(demo, capsys):
    (block,) = read_blocks('README.md', 'python')
    names = {}
    exec(block.text, names)
    assert names['features'].shape[0] == 2
    np.testing.assert_allclose(
        np.linalg.norm(names['features'], axis=1), 1, atol=1e-5
    )
    assert (demo / 'ranked.png').is_file()
    assert "'same':" in capsys.readouterr().out


def test_citation_is_of_this_version():
    text = (ROOT / 'CITATION.cff').read_text()
    assert re.search(r'^version: (.*)$', text, re.M)[1] == __version__
