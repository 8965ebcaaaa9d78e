import csv
import json

from mmcion.structures import TrackletTable

from .conftest import ROOT, run_tool

CONFIG = ROOT / 'configs' / 'eval' / 'zero-shot_color-stripes_128x64.py'


def write_split(recording, file):
    """First frame of every clip asks, the others answer."""
    table = TrackletTable.load(recording / 'table')
    with open(file, 'w', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(['path', 'pid', 'cam_id', 'split'])
        for row in range(len(table)):
            split = 'gallery' if table.frame[row] % 6 else 'query'
            pid, cam_id = table.tracklet_id[row], table.video_id[row]
            writer.writerow([table.path[row].decode(), pid, cam_id, split])


def judge(recording, cwd, *options):
    return run_tool(
        *('test.py', CONFIG, '--work-dir', 'work', *options),
        '--cfg-options',
        'test_dataloader.num_workers=0',
        'test_dataloader.persistent_workers=False',
        'test_dataloader.dataset.ann_file=split.csv',
        f'test_dataloader.dataset.data_root={recording / "crops"}',
        cwd=cwd,
    )


def test_colours_find_everybody_in_the_other_clip(recording, tmp_path):
    write_split(recording, tmp_path / 'split.csv')
    done = judge(recording, tmp_path, '--out', 'scores.json')
    assert done.returncode == 0, done.stderr
    counts = '10 queries, 10 with a valid match'
    assert counts in done.stdout + done.stderr
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert any(name.endswith('mAP') for name in scores)
    for name, value in scores.items():
        if 'mAP' in name or 'R1' in name.split('/')[-1]:
            assert value in (1, 100)


def test_missing_split_and_checkpoint(recording, tmp_path):
    done = judge(recording, tmp_path)
    assert done.returncode == 1
    assert 'split.csv' in done.stderr
    write_split(recording, tmp_path / 'split.csv')
    done = run_tool('test.py', CONFIG, 'none.pth', cwd=tmp_path)
    assert done.returncode == 1
    assert 'there is no checkpoint at none.pth' in done.stderr
