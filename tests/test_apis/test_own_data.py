"""Images of one's own, from reading them to whole runs."""

import csv
import json

import numpy as np
import pytest

from mmcion.apis.own_data import prepare_data, read_set
from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError
from tests.golden import DATA
from tests.tiny import write_identities, write_image
from tests.tool_utils import ROOT, call_main
from tests.training_utils import load

FINE_TUNING = 'configs/cion/benchmarks/fine-tune_resnet50-ibn_market1501.py'


def folder_of_people(folder, people=8, images=4):
    for person in range(people):
        for number in range(images):
            path = folder / f'name {person}' / f'{number}.png'
            write_image(path, seed=10 * person + number)
    return folder


def write_set(kind, root):
    """Write 8 identities of 4 images in one of the forms of --data."""
    if kind == 'folders':
        return folder_of_people(root)
    if kind == 'denoised':
        write_identities(root, (4,) * 8)
        return root
    names = [
        f'{pid:04d}_c{1 + i}s1_{i:06d}_01.jpg'
        for pid in range(8)
        for i in range(4)
    ]
    where = root / 'bounding_box_train' if kind == 'archive' else root
    for row, name in enumerate(names):
        write_image(where / name, seed=row)
    if kind == 'csv':
        with open(root / 'list.csv', 'w', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(['path', 'pid'])
            writer.writerows([(name, 7 + 3 * int(name[:4])) for name in names])
        return root / 'list.csv'
    if kind == 'json':
        items = [{'file_path': n, 'id': int(n[:4]) + 5} for n in names]
        (root / 'annos.json').write_text(json.dumps(items))
        return root / 'annos.json'
    return root


KINDS = ('folders', 'denoised', 'archive', 'flat', 'csv', 'json')


@pytest.mark.parametrize('kind', KINDS)
def test_forms(kind, tmp_path):
    table = read_set(write_set(kind, tmp_path))
    np.testing.assert_array_equal(table.pid, np.repeat(np.arange(8), 4))
    paths = [table.image_root or tmp_path / n.decode() for n in table.path]
    assert all((tmp_path / path).exists() for path in paths)


def test_sets_are_kept_apart(tmp_path):
    sets = [
        str(write_set(kind, tmp_path / kind)) for kind in ('folders', 'flat')
    ]
    data = prepare_data(sets, tmp_path / 'data')
    table = AnnotationTable.load(data.ann_file)
    assert data.num_identities == 16
    assert np.unique(table.pid, return_counts=True)[1].tolist() == [4] * 16
    # cameras 0 of the first, and 0 to 3 of the second
    assert np.unique(table.cam_id).tolist() == [0, 1, 2, 3, 4]
    for name in table.path:
        assert (table.image_root / name.decode()).is_file()


def test_hold_out_shares_no_identity(tmp_path):
    source = write_set('folders', tmp_path / 'people')
    data = prepare_data([str(source)], tmp_path / 'data', hold_out=0.25)
    train = AnnotationTable.load(data.ann_file)
    with open(data.test_csv) as stream:
        held = list(csv.DictReader(stream))
    assert len(np.unique(train.pid)) == data.num_identities == 6
    people = {path.decode().split('/')[0] for path in train.path}
    others = {row['path'].split('/')[-2] for row in held}
    assert len(others) == 2 and not people & others
    again = prepare_data([str(source)], tmp_path / 'again', hold_out=0.25)
    with open(again.test_csv) as first, open(data.test_csv) as second:
        assert first.read() == second.read()


@pytest.mark.parametrize('fraction', [0, 1, 0.01, 0.99])
def test_hold_out_must_leave_something(tmp_path, fraction):
    source = str(write_set('folders', tmp_path / 'people'))
    with pytest.raises(UserError, match=str(fraction)):
        prepare_data([source], tmp_path / 'data', hold_out=fraction)


def test_what_is_no_set_is_named(tmp_path):
    (tmp_path / 'a.txt').write_text('')
    with pytest.raises(UserError, match=r'a\.txt'):
        read_set(tmp_path / 'a.txt')
    with pytest.raises(FileNotFoundError, match='none'):
        read_set(tmp_path / 'none')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(FileNotFoundError, match='empty'):
        read_set(tmp_path / 'empty')


def run(config, work_dir, *arguments, **options):
    call_main(
        *('train.py', config, '--work-dir', work_dir, *arguments),
        '--cfg-options',
        f'experiment_name={work_dir.name}',
        *(f'{key}={value}' for key, value in options.items()),
    )


def test_pretraining_with_held_out_people(tmp_path):
    source = write_set('folders', tmp_path / 'people')
    work_dir = tmp_path / 'pretrained'
    run(
        *(DATA / 'tiny_train.py', work_dir, '--data', source),
        *('--hold-out', 0.25, '--image-size', 16, 8),
        **{'train_dataloader.batch_size': 4},
    )
    scores = load(work_dir)['message_hub']['log_scalars']
    assert any('mAP' in name for name in scores)


def test_fine_tuning_in_one_command(tmp_path):
    source = write_set('folders', tmp_path / 'people')
    config = tmp_path / 'tiny_fine_tuning.py'
    config.write_text(
        f'_base_ = {str(ROOT / FINE_TUNING)!r}\n'
        "custom_imports = dict(imports=['tests.tiny'])\n"
        'model = dict(\n'
        "    backbone=dict(_delete_=True, type='TinyBackbone'),\n"
        '    neck=dict(in_channels=8), head=dict(in_channels=8))\n'
        'train_dataloader = dict(num_workers=0, batch_size=8)\n'
        'train_cfg = dict(max_epochs=2, val_interval=1)\n'
    )
    work_dir = tmp_path / 'tuned'
    run(
        *(config, work_dir, '--data', source),
        *('--hold-out', 0.25, '--image-size', 16, 8),
    )
    assert list(work_dir.glob('best_reid_mAP_*.pth'))
    weights = load(work_dir)['state_dict']['head.classifier.weight']
    assert weights.shape == (6, 8)


def test_an_empty_folder_is_told_the_forms(tmp_path):
    with pytest.raises(FileNotFoundError, match='Give .*AnnotationTable') as e:
        read_set(tmp_path)
    assert 'gallery' not in str(e.value)  # advice for tests
