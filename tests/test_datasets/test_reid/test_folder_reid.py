import shutil

import pytest
from mmengine.config import Config

from mmcion.utils.checks import UserError

from ...tool_utils import ROOT
from .trees import build, ids_of, rows_of, touch

CAMERA = '_c([0-9]+)'


@pytest.fixture
def root(tmp_path):
    return touch(
        tmp_path,
        'query/bob/1_c0.jpg',
        'gallery/anna/5_c1.png',
        'gallery/bob/2_c0.jpg',
        'gallery/bob/3_c12.jpg',
        'train/carl/1_c7.jpg',
        'train/bert/2_c7.jpg',
        'train/.cache/3.jpg',
        'train/notes.txt',
    )


def test_persons_are_numbered_by_name(root):
    assert rows_of(build('FolderReID', root, camera=CAMERA)) == [
        ('1_c0.jpg', 1, 0, True),
        ('5_c1.png', 0, 1, False),
        ('2_c0.jpg', 1, 0, False),
        ('3_c12.jpg', 1, 12, False),
    ]
    dataset = build('FolderReID', root, 'train', camera=CAMERA)
    assert ids_of(dataset) == [(0, 7), (1, 7)]


def test_whole_numbers_stay_as_they_are(tmp_path):
    touch(tmp_path, 'query/0012/a.jpg', 'gallery/-1/b.jpg', 'gallery/9/c.jpg')
    assert ids_of(build('FolderReID', tmp_path)) == [
        (12, -1),
        (-1, -1),
        (9, -1),
    ]


def test_different_spellings_of_a_number_are_different_persons(tmp_path):
    touch(tmp_path, 'query/07/a.jpg', 'gallery/7/b.jpg', 'gallery/8/c.jpg')
    pids = [pid for pid, _ in ids_of(build('FolderReID', tmp_path))]
    assert pids == [0, 1, 2]


def test_cameras_may_have_names(tmp_path):
    touch(tmp_path, 'query/a/door 1.jpg', 'gallery/a/lift 1.jpg')
    dataset = build('FolderReID', tmp_path, camera='^([a-z]+) ')
    assert ids_of(dataset) == [(0, 0), (0, 1)]


def test_without_cameras(root, messages):
    dataset = build('FolderReID', root)
    assert set(dataset.cam_ids.tolist()) == {-1}
    assert '1 with a valid match from any camera' in messages[0][1]


@pytest.mark.parametrize('folder', ['', 'test/'])
def test_draw_queries(tmp_path, folder):
    names = [f'{folder}{p}/{n}_c{n % 2}.jpg' for p in 'ab' for n in range(4)]
    touch(tmp_path, *names)
    options = {'camera': CAMERA, 'draw_queries': True}
    dataset = build('FolderReID', tmp_path, **options)
    queries = [row for row in rows_of(dataset) if row[3]]
    assert [row[1] for row in queries] == [0, 0, 1, 1] and len(dataset) == 8
    assert rows_of(build('FolderReID', tmp_path, **options)) == rows_of(
        dataset
    )
    others = [
        rows_of(build('FolderReID', tmp_path, seed=seed, **options))
        for seed in range(1, 4)
    ]
    assert any(rows != rows_of(dataset) for rows in others)


def test_training_without_a_folder_train_takes_all_images(tmp_path):
    touch(tmp_path, 'x/1.jpg', 'y/1.jpg')
    assert len(build('FolderReID', tmp_path, 'train')) == 2


@pytest.mark.parametrize(
    ('split', 'options', 'names'),
    [
        ('test', {'draw_queries': True}, 'gallery, query, train'),
        ('train', {}, 'gallery, query'),
    ],
)
def test_parts_are_not_taken_for_persons(root, split, options, names):
    if split == 'train':
        shutil.rmtree(root / 'train')
    message = rf'no folder {split}, and {names} would'
    with pytest.raises(UserError, match=message):
        build('FolderReID', root, split, **options)


def test_query_and_gallery_are_missing(tmp_path):
    touch(tmp_path, 'x/1.jpg', 'y/1.jpg')
    message = r'is missing query, gallery; it has x, y.*draw_queries=True'
    with pytest.raises(FileNotFoundError, match=message):
        build('FolderReID', tmp_path)


def test_no_persons(tmp_path):
    touch(tmp_path, 'query/1.jpg', 'gallery/1.jpg')
    with pytest.raises(FileNotFoundError, match=r'query has no folder of a'):
        build('FolderReID', tmp_path)


def test_name_without_camera(root):
    with pytest.raises(UserError, match=r'1_c0\.jpg .*_cam'):
        build('FolderReID', root, camera='_cam([0-9]+)')


def test_camera_needs_a_group(root):
    with pytest.raises(UserError, match=r"one group; got '_c'"):
        build('FolderReID', root, camera='_c')


def test_config_leaves_the_camera_rule_to_the_data():
    config = Config.fromfile(ROOT / 'configs/_base_/datasets/folder_reid.py')
    assert config.test_evaluator.get('camera_aware', True)


@pytest.mark.parametrize('camera', ['_c([0-9]+', 3])
def test_broken_expression_of_the_camera(root, camera):
    with pytest.raises(UserError, match='camera '):
        build('FolderReID', root, camera=camera)


@pytest.mark.parametrize('name', ['.git', '@eaDir', '__MACOSX'])
def test_folders_of_operating_systems_are_no_persons(root, name):
    before = rows_of(build('FolderReID', root))
    touch(root, f'query/{name}/x_c1.jpg')
    assert rows_of(build('FolderReID', root)) == before
