"""The detector of docs/videos.md extracts tracklets."""

from mmcion.structures import TrackletTable

from ..page_utils import read_blocks
from ..tool_utils import ROOT, call_main
from .conftest import write_video


def test_own_detector(tmp_path, monkeypatch):
    blocks = read_blocks('docs/videos.md', 'python')
    files = {block.file: block.text for block in blocks}
    for name in ('my_detector.py', 'my_config.py'):
        # the page's config stands at the root of the repository
        text = files[name].replace('configs/', f'{ROOT}/configs/')
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
