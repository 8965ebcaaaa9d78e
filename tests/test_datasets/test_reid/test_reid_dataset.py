import pytest

from mmcion.datasets import ReIDDataset
from mmcion.datasets.reid import matches
from mmcion.utils.checks import UserError
from tests.tiny import write_query_gallery

HEADER = 'path,pid,cam_id,split'


def write_csv(tmp_path, *lines, header=HEADER):
    path = tmp_path / 'split.csv'
    path.write_text('\n'.join((header, *lines)) + '\n')
    return path


def make_dataset(path, data_root='crops', **options):
    return ReIDDataset(str(path), str(data_root), pipeline=[], **options)


@pytest.fixture
def messages(monkeypatch):
    """What is logged."""
    lines = []
    monkeypatch.setattr(
        matches, 'print_log', lambda message, *_: lines.append(message)
    )
    return lines


def test_rows_of_the_file(tmp_path):
    path = write_csv(tmp_path, 'a.png,3,0,query', 'b/c.png,-1,1,gallery')
    dataset = make_dataset(path)
    expected = [
        {
            'img_path': 'crops/a.png',
            'pid': 3,
            'cam_id': 0,
            'is_query': True,
        },
        {
            'img_path': 'crops/b/c.png',
            'pid': -1,
            'cam_id': 1,
            'is_query': False,
        },
    ]
    infos = [dataset.get_data_info(row) for row in range(2)]
    assert [{k: info[k] for k in expected[0]} for info in infos] == expected


def test_columns_may_come_in_any_order_with_others(tmp_path):
    path = write_csv(
        tmp_path, 'query,7,x,2,a.png', header='split,pid,note,cam_id,path'
    )
    info = make_dataset(path, ignore=['note']).get_data_info(0)
    assert (info['pid'], info['cam_id'], info['is_query']) == (7, 2, True)


def test_images_are_loaded_and_packed(tmp_path):
    write_query_gallery(tmp_path, 2)
    dataset = ReIDDataset(
        str(tmp_path / 'query_gallery.csv'),
        str(tmp_path),
        pipeline=[
            {'type': 'mmcion.LoadImage'},
            {'type': 'mmcion.ResizeImage', 'size': (16, 8)},
            {'type': 'mmcion.PackReIDInputs'},
        ],
    )
    items = [dataset[row] for row in range(4)]
    assert [item['inputs'].shape for item in items] == [(3, 16, 8)] * 4
    queries = [item['data_samples'].is_query for item in items]
    assert queries == [True, True, False, False]


def test_feasible_queries_are_counted(tmp_path, messages):
    path = write_csv(
        tmp_path,
        'q0,0,0,query',  # gallery has it in camera 1
        'q1,1,0,query',  # only in its own camera
        'q2,2,0,query',  # nowhere
        'g0,0,1,gallery',
        'g1,1,0,gallery',
    )
    make_dataset(path)
    assert messages == [
        f'{path}: 2 gallery images, 3 queries, 1 with a valid match from '
        f'another camera, 2 from any camera '
        f'(test_evaluator.camera_aware=False)'
    ]


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('a,1,0,test', "line 3: .* split 'test'"),
        ('a,1,0,any', "line 3: .* split 'any'"),
        ('a,1,0,', "line 3: .* split ''"),
        ('a,1,0', 'line 3: 3 values of 4'),
        ('a,x,0,query', "line 3: pid 'x'"),
        ('a,1,,query', "line 3: .* cam_id ''"),
    ],
)
def test_wrong_values_are_named_with_their_line(tmp_path, line, message):
    path = write_csv(tmp_path, 'ok.png,0,0,query', line)
    with pytest.raises(UserError, match=message):
        make_dataset(path)


def test_training_rows_are_relabelled(tmp_path):
    path = write_csv(tmp_path, 'a,9,0,train', 'b,4,1,train', 'c,1,0,query')
    dataset = make_dataset(path, split='train')
    assert dataset.pids.tolist() == [1, 0]
    assert dataset.cam_ids.tolist() == [0, 1]
    assert len(make_dataset(path)) == 1


def test_cameras_may_be_missing(tmp_path, messages):
    path = write_csv(
        tmp_path, 'a,1,query', 'b,1,gallery', header='path,pid,split'
    )
    assert make_dataset(path).cam_ids.tolist() == [-1, -1]
    assert messages[0].endswith('from any camera, as none is known')


def test_draw_queries(tmp_path):
    lines = [f'{n}.png,{n % 3},{n % 2}' for n in range(12)]
    path = write_csv(tmp_path, *lines, header='path,pid,cam_id')
    dataset = make_dataset(path, draw_queries=True)
    infos = [dataset.get_data_info(row) for row in range(12)]
    queries = [info for info in infos if info['is_query']]
    assert len({(q['pid'], q['cam_id']) for q in queries}) == 6
    assert make_dataset(path, split='train').pids.tolist() == [0, 1, 2] * 4


def test_drawing_leaves_training_rows_alone(tmp_path):
    path = write_csv(
        tmp_path, 'a,1,0,train', 'b,1,0,query', 'c,1,1,query', 'd,1,1,gallery'
    )
    dataset = make_dataset(path, draw_queries=True)
    rows = [dataset.get_data_info(row) for row in range(len(dataset))]
    names = sorted(row['img_path'][-1] for row in rows)
    assert names == ['b', 'c', 'd'] and rows[0]['is_query']


def test_missing_columns(tmp_path):
    path = write_csv(tmp_path, 'a,1', header='path,cam_id')
    with pytest.raises(UserError, match='column pid is missing'):
        make_dataset(path)


def test_missing_split_is_explained(tmp_path):
    path = write_csv(tmp_path, 'a,1,0', header='path,pid,cam_id')
    with pytest.raises(UserError, match=r'column split, or draw_queries=True'):
        make_dataset(path)


def test_no_rows(tmp_path):
    with pytest.raises(UserError, match='has no images'):
        make_dataset(write_csv(tmp_path))


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nothing\.csv'):
        make_dataset(tmp_path / 'nothing.csv')


@pytest.mark.parametrize(
    ('header', 'named'),
    [
        ('path,pid,camid,split', 'camid is unknown'),
        ('path,pid,pid,split', 'pid is unknown or there twice'),
        ('path,pid,Split,cam_id', 'Split is unknown'),
        ('path;pid;cam_id;split', 'path;pid;cam_id;split'),
    ],
)
def test_columns_that_would_not_be_read_are_refused(tmp_path, header, named):
    path = write_csv(tmp_path, 'a,1,0,query', header=header)
    with pytest.raises(UserError, match=named) as error:
        make_dataset(path, draw_queries=True)
    assert header.split(',')[-1] in str(error.value)


def test_ignored_columns_are_not_read(tmp_path):
    path = write_csv(tmp_path, 'a,1,0,query', header='path,pid,camid,split')
    dataset = make_dataset(path, ignore=['camid'])
    assert dataset.cam_ids.tolist() == [-1]


def test_blanks_after_commas_and_a_byte_order_mark(tmp_path):
    header = '\ufeffpath, pid, cam_id, split'
    path = write_csv(tmp_path, 'a, 1, 0, query', '', header=header)
    assert make_dataset(path).pids.tolist() == [1]


@pytest.mark.parametrize('encoding', ['utf-16', 'latin-1'])
def test_other_encodings_are_named(tmp_path, encoding):
    path = tmp_path / 'a.csv'
    path.write_text(f'{HEADER}\ncafé.jpg,0,0,query\n', encoding)
    with pytest.raises(UserError, match=r'(?i)a\.csv is .*(utf-16|latin-1)'):
        make_dataset(path)
