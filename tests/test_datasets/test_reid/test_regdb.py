import pytest

from mmcion.utils.checks import UserError

from .trees import build, rows_of, scores_of, touch

LINES = {
    'train_visible_2': ('Visible/285/male_back_v_05528_285.bmp 0',),
    'train_thermal_2': (
        'Thermal/285/male_back_t_05528_285.bmp 0',
        'Thermal/9/female_front_t_00400_9.bmp 1',
    ),
    'test_visible_2': ('Visible/7/male_back_v_00300_7.bmp 0',),
    'test_thermal_2': ('Thermal/7/male_back_t_00300_7.bmp 0',),
}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'RegDB'
    for name, lines in LINES.items():
        touch(root, f'idx/{name}.txt', *(line.split()[0] for line in lines))
        (root / 'idx' / f'{name}.txt').write_text('\n'.join(lines))
    return root


@pytest.mark.parametrize(
    ('query', 'letters'), [('visible', 'vt'), ('thermal', 'tv')]
)
def test_both_directions(root, query, letters):
    query_row, gallery_row = (
        (f'male_back_{letter}_00300_7.bmp', 0, 'vt'.index(letter))
        for letter in letters
    )
    dataset = build('RegDB', root.parent, trial=2, query=query)
    assert rows_of(dataset) == [(*query_row, True), (*gallery_row, False)]


def test_training_takes_both_modalities(root):
    dataset = build('RegDB', root, 'train', trial=2)
    assert dataset.pids.tolist() == [0, 0, 1]
    assert dataset.cam_ids.tolist() == [0, 1, 1]


@pytest.mark.parametrize('query', ['visible', 'thermal'])
def test_modalities_are_matches_of_each_other(root, messages, query):
    build('RegDB', root, trial=2, query=query)
    texts = [text for _, text in messages if 'valid match' in text]
    assert '1 gallery images, 1 queries, 1 with a valid match' in texts[0]


def test_missing_lists(root):
    message = (
        r'is missing idx/test_visible_1.txt, idx/test_thermal_1.txt; it has'
    )
    with pytest.raises(FileNotFoundError, match=message):
        build('RegDB', root)


def test_missing_image(root):
    (root / 'Thermal/7/male_back_t_00300_7.bmp').unlink()
    message = r'1 of 1 images in .*test_thermal_2.txt are missing'
    with pytest.raises(FileNotFoundError, match=message):
        build('RegDB', root, trial=2)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ({'trial': 11}, r'trial must be one of .*; got 11'),
        ({'query': 'v'}, r"query must be one of .*; got 'v'"),
    ],
)
def test_wrong_options(root, option, message):
    with pytest.raises(UserError, match=message):
        build('RegDB', root, **option)


def test_fragment_has_both_directions(root):
    touch(root, 'Visible/8/male_back_v_1_8.bmp', 'Visible/8/m_v_2_8.bmp')
    visible = root / 'idx/test_visible_2.txt'
    more = 'Visible/8/male_back_v_1_8.bmp 1\nVisible/8/m_v_2_8.bmp 2'
    visible.write_text(f'{visible.read_text()}\n{more}')
    feats = [[1, 0.0], [0.9, 0.1], [0.8, 0.2], [0.9, 0.1]]
    scores = scores_of(build('RegDB', root, trial=2), 'regdb', feats)
    assert scores['reid/mAP'] == 1
    # the visible image of another person is nearest
    assert scores['reid/reverse/mAP'] == pytest.approx(1 / 2)
