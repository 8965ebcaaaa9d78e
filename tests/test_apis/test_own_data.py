"""Images of one's own, from reading them to whole runs."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmcion.apis.own_data import (
    OwnData,
    prepare_data,
    read_set,
    set_image_size,
    use_own_data,
)
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


def marked_csv(folder, cameras=2):
    """Write a CSV: 4 identities of 4 images to train on, 3 to test on."""
    lines = ['path,pid,cam_id,split']
    for pid in range(7):
        for number in range(4):
            name = f'{pid}_{number}.png'
            write_image(folder / name, seed=10 * pid + number)
            split = 'query' if number == 0 else 'gallery'
            split = 'train' if pid < 4 else split
            # identity 5 is in both
            split = 'train' if (pid, number) == (5, 3) else split
            lines.append(f'{name},{pid},{number % cameras},{split}')
    lines.append('0_0.png,-1,1,gallery')
    (folder / 'list.csv').write_text('\n'.join(lines))
    return str(folder / 'list.csv')


def read_rows(path):
    with open(path) as stream:
        return list(csv.DictReader(stream))


def test_rows_of_a_csv_that_are_marked_are_the_test(tmp_path):
    data = prepare_data([marked_csv(tmp_path / 'a')], tmp_path / 'data')
    assert data.num_identities == 5 and not data.draw_queries
    assert len(AnnotationTable.load(data.ann_file)) == 17
    assert data.has_cameras
    rows = read_rows(data.test_csv)
    assert [row['pid'] for row in rows if row['split'] == 'query'] == [
        *('4', '5', '6')
    ]
    gallery = [row['pid'] for row in rows if row['split'] == 'gallery']
    assert gallery == [*'444', *'55', *'666', '-1']
    assert rows[0]['path'] == str(tmp_path / 'a' / '4_0.png')


def test_tests_of_several_sets_are_kept_apart(tmp_path):
    sets = [marked_csv(tmp_path / name) for name in 'ab']
    sets.insert(1, str(write_set('csv', tmp_path / 'c')))
    data = prepare_data(sets, tmp_path / 'data')
    rows = read_rows(data.test_csv)
    queries = [row['pid'] for row in rows if row['split'] == 'query']
    assert queries == ['4', '5', '6', '11', '12', '13']
    # cameras are those of the training, with which embeddings are learned
    table = AnnotationTable.load(data.ann_file)
    train = {
        (str(p)[2], c) for p, c in zip(table.path, table.cam_id, strict=True)
    }
    tested = {
        (Path(row['path']).parent.name, int(row['cam_id'])) for row in rows
    }
    assert len(tested) == 4 and tested < train
    assert data.num_cameras == table.cam_id.max() + 1
    # identities that are held out take the place of marked rows
    data = prepare_data(sets, tmp_path / 'held', hold_out=0.25)
    assert data.draw_queries and 'split' not in read_rows(data.test_csv)[0]


@pytest.mark.parametrize('marked', [False, True])
def test_sets_without_cameras_are_tested_without(tmp_path, marked):
    if marked:
        sets = [marked_csv(tmp_path / name, cameras=1) for name in 'ab']
    else:
        sets = [str(folder_of_people(tmp_path / name)) for name in 'ab']
    held = None if marked else 0.5
    data = prepare_data(sets, tmp_path / 'data', hold_out=held)
    # each has a camera of its own, but no identity has two
    assert not data.has_cameras
    assert 'cam_id' not in read_rows(data.test_csv)[0]


def test_names_that_are_not_utf8(tmp_path):
    sets = [folder_of_people(tmp_path / name) for name in 'ab']
    for path in [*sets[1].iterdir()]:
        path.rename(os.fsdecode(os.fsencode(path) + b'\xe9'))
    sets = [str(path) for path in sets]
    data = prepare_data(sets, tmp_path / 'data')
    assert data.num_identities == 16
    with pytest.raises(UserError, match='not UTF-8'):
        prepare_data(sets, tmp_path / 'held', hold_out=0.8)


def test_recipe_without_validation_is_only_tested(tmp_path):
    source = 'projects/domain_generalization/configs'
    cfg = Config.fromfile(ROOT / source / 'protocol2_resnet50_to-msmt17.py')
    use_own_data(cfg, OwnData('train', 3, 1, 'test.csv'))
    assert cfg.train_dataloader.dataset.type == 'IdentityDataset'
    assert cfg.model.head.num_classes == 3
    assert cfg.test_dataloader.dataset.ann_file == 'test.csv'
    assert cfg.val_cfg is None and 'val_dataloader' not in cfg


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


@pytest.mark.parametrize('marked', [False, True])
def test_fine_tuning_in_one_command(tmp_path, marked):
    if marked:
        source, test, classes = marked_csv(tmp_path / 'people'), (), 5
    else:
        source = write_set('folders', tmp_path / 'people')
        test, classes = ('--hold-out', 0.25), 6
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
        *(*test, '--image-size', 16, 8),
    )
    assert list(work_dir.glob('best_reid_mAP_*.pth'))
    weights = load(work_dir)['state_dict']['head.classifier.weight']
    assert weights.shape == (classes, 8)


def test_an_empty_folder_is_told_the_forms(tmp_path):
    with pytest.raises(FileNotFoundError, match='Give .*AnnotationTable') as e:
        read_set(tmp_path)
    assert 'gallery' not in str(e.value)  # advice for tests


def test_methods_with_two_views_are_tested_and_resized():
    cfg = Config.fromfile(DATA / 'tiny_pnl.py')
    use_own_data(cfg, OwnData('annotation', 5, 2, 'test.csv', True))
    assert cfg.model.head.num_classes == 5
    assert cfg.train_dataloader.dataset.ann_file == 'annotation'
    resize = cfg.val_dataloader.dataset.pipeline[1]
    assert resize.size == (16, 8)
    set_image_size(cfg, (32, 16))
    view = cfg.train_dataloader.dataset.pipeline[1].transforms[0]
    assert view[0].size == (32, 16) and resize.size == (32, 16)
    assert 'size' not in view[1]
