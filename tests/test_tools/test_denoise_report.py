import numpy as np
import pytest

from mmcion.structures import IdentityLabels, TrackletTable
from mmcion.utils.io import write_json

from ..test_visualization.html_page import Page
from ..tool_utils import run_tool

TOOL = 'analysis_tools/denoise_report.py'


def write_identities(recording, folder):
    """Write labels as ``tools/denoise.py`` does: everybody is found."""
    table = TrackletTable.load(recording / 'table')
    identity = table.tracklet_id.astype(np.int32)
    IdentityLabels(identity).save(folder / 'identity.npy')
    levels = [{'name': 'tracklets', 'images': len(table), 'identities': 10}]
    write_json(folder / 'report.json', {'levels': levels})


def test_page_is_written_beside_the_labels(recording, tmp_path):
    write_identities(recording, tmp_path / 'ids')
    options = ('--table', recording / 'table', '--identities', 'ids')
    done = run_tool(TOOL, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = Page(tmp_path / 'ids' / 'report.html')
    assert page.cards['identities'][0] == '5'
    assert page.images('jpeg')
    assert 'could not be read' not in page.text
    more = ('--out', 'other.html', '--max-tiles', '0')
    done = run_tool(TOOL, *options, *more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not Page(tmp_path / 'other.html').images('jpeg')


@pytest.mark.slow
def test_images_may_lie_in_an_lmdb(recording, tmp_path):
    lmdb = pytest.importorskip('lmdb')
    write_identities(recording, tmp_path / 'ids')
    table = TrackletTable.load(recording / 'table')
    with (
        lmdb.open(str(tmp_path / 'crops'), map_size=1 << 24) as database,
        database.begin(write=True) as transaction,
    ):
        for row, path in enumerate(table.path):
            content = table.image_path(row).read_bytes()
            transaction.put(path, content)
    table.image_root = tmp_path / 'crops'
    table.save(tmp_path / 'table')
    options = ('--table', 'table', '--identities', 'ids')
    done = run_tool(TOOL, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = Page(tmp_path / 'ids' / 'report.html')
    assert page.images('jpeg')
    assert 'could not be read' not in page.text


def test_missing_labels_are_named(recording, tmp_path):
    options = ('--table', recording / 'table', '--identities', 'ids')
    done = run_tool(TOOL, *options, cwd=tmp_path)
    assert done.returncode == 1
    assert 'identity.npy' in done.stderr
    assert 'Traceback' not in done.stderr
