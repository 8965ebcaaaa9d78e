"""The detector of docs/videos.md extracts tracklets."""

import re

from mmcion.structures import TrackletTable

from ..tool_utils import ROOT, call_main
from .conftest import write_video


def test_own_detector(tmp_path, monkeypatch):
    page = (ROOT / 'docs' / 'videos.md').read_text()
    for name in ('my_detector.py', 'my_config.py'):
        (text,) = re.findall(rf'```python\n# {name}\n(.*?)```', page, re.S)
        # the page's config stands at the root of the repository
        text = text.replace('configs/', f'{ROOT}/configs/')
        (tmp_path / name).write_text(text)
    write_video(tmp_path / 'a.avi')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    call_main(
        *('extract_tracklets.py', 'a.avi', '--out', 'out'),
        *('--config', 'my_config.py'),
    )
    table = TrackletTable.load(tmp_path / 'out' / 'table')
    assert len(table) > 0 and table.num_tracklets == 1
