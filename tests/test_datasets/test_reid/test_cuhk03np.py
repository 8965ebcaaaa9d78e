import pytest

from mmcion.utils.checks import UserError

from .trees import build, ids_of, touch, write_tree

TREE = {
    'bounding_box_train': ('0003_c1_1.png', '0003_c2_6.png'),
    'query': ('0001_c1_1.png',),
    'bounding_box_test': ('0001_c1_2.png', '0001_c2_8.png'),
}


@pytest.mark.parametrize('boxes', ['labeled', 'detected'])
def test_both_kinds_of_boxes(tmp_path, boxes):
    write_tree(tmp_path / 'cuhk03-np' / boxes, TREE)
    dataset = build('CUHK03NP', tmp_path, boxes=boxes)
    assert ids_of(dataset) == [(1, 0), (1, 0), (1, 1)]
    assert f'/{boxes}/query/' in dataset.get_data_info(0)['img_path']
    dataset = build('CUHK03NP', tmp_path / 'cuhk03-np', 'train', boxes=boxes)
    assert ids_of(dataset) == [(0, 0), (0, 1)]


def test_other_boxes_are_not_taken(tmp_path):
    write_tree(tmp_path / 'labeled', TREE)
    message = r'is missing detected/query, detected/bounding_box_test; it'
    with pytest.raises(FileNotFoundError, match=message):
        build('CUHK03NP', tmp_path)


def test_raw_file(tmp_path):
    touch(tmp_path, 'cuhk-03.mat')
    with pytest.raises(FileNotFoundError, match=r'it has cuhk-03.mat.*conver'):
        build('CUHK03NP', tmp_path)


def test_unknown_boxes(tmp_path):
    with pytest.raises(UserError, match=r"boxes must be .* got 'labelled'"):
        build('CUHK03NP', tmp_path, boxes='labelled')
