from mmcion.datasets.reid.published_counts import PUBLISHED

from .test_dukemtmcreid import TREE
from .trees import build, ids_of, write_tree


def test_folder_and_names(tmp_path, messages):
    write_tree(tmp_path / 'Occluded_Duke', TREE)
    dataset = build('OccludedDuke', tmp_path)
    assert ids_of(dataset) == [(5, 1), (2, 0), (5, 4)]
    texts = [text for _, text in messages]
    assert any('OccludedDuke, query: found 1 im' in text for text in texts)
    assert any('withdrawn in 2019' in text for text in texts)


def test_counts_are_not_those_of_duke():
    duke, occluded = PUBLISHED['DukeMTMCreID'], PUBLISHED['OccludedDuke']
    assert duke['query'] != occluded['query']
