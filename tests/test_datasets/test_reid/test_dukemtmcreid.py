import pytest

from mmcion.datasets.reid.published_counts import PUBLISHED

from .trees import build, ids_of, write_tree

TREE = {
    'bounding_box_train': ('0001_c2_f0046182.jpg', '0005_c8_f0051341.jpg'),
    'query': ('0005_c2_f0046985.jpg',),
    'bounding_box_test': ('0005_c5_f0051341.jpg', '0002_c1_f0044158.jpg'),
}


def test_both_splits(tmp_path):
    write_tree(tmp_path / 'DukeMTMC-reID', TREE)
    assert ids_of(build('DukeMTMCreID', tmp_path, 'train')) == [(0, 1), (1, 7)]
    # the gallery is sorted by name
    rows = [(5, 1), (2, 0), (5, 4)]
    assert ids_of(build('DukeMTMCreID', tmp_path)) == rows


def test_every_use_warns_of_the_withdrawal(tmp_path, messages):
    build('DukeMTMCreID', write_tree(tmp_path, TREE))
    warnings = [text for level, text in messages if level == 30]
    assert any('withdrawn in 2019' in text for text in warnings)


def test_missing_data_cannot_be_downloaded(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'withdrawn .* no download'):
        build('DukeMTMCreID', tmp_path / 'duke')


def test_folder_and_names_of_occluded_duke(tmp_path, messages):
    write_tree(tmp_path / 'Occluded_Duke', TREE)
    dataset = build('OccludedDuke', tmp_path)
    assert ids_of(dataset) == [(5, 1), (2, 0), (5, 4)]
    texts = [text for _, text in messages]
    assert any('OccludedDuke, query: found 1 im' in text for text in texts)
    assert any('withdrawn in 2019' in text for text in texts)


def test_counts_of_occluded_duke_are_its_own():
    duke, occluded = PUBLISHED['DukeMTMCreID'], PUBLISHED['OccludedDuke']
    assert duke['query'] != occluded['query']
