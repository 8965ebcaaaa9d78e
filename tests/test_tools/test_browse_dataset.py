from PIL import Image

from ..tiny import write_query_gallery
from ..tool_utils import ROOT, run_tool

CONFIG = ROOT / 'configs' / '_base_' / 'datasets' / 'query_gallery.py'


def test_sheet_of_a_csv_file(tmp_path):
    write_query_gallery(tmp_path)
    done = run_tool(
        'analysis_tools/browse_dataset.py',
        *(CONFIG, '--identities', 3, '--images', 4, '--cfg-options'),
        'test_dataloader.dataset.ann_file=query_gallery.csv',
        'test_dataloader.dataset.data_root=.',
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    size = Image.open(tmp_path / 'dataset.png').size
    assert f'dataset.png ({size[0]} x {size[1]} pixels)' in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ['query', '4', '4', '1'] in rows
