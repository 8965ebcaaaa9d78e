import pytest
from PIL import Image

from mmcion.structures import AnnotationTable
from mmcion.utils.checks import UserError
from mmcion.utils.io import read_json

from ..golden import DATA
from ..tiny import write_query_gallery
from ..tool_utils import call_main

TOOL = 'analysis_tools/compare_methods.py'


def test_methods_see_the_same_and_are_scored_on_the_way(crops, tmp_path):
    test = write_query_gallery(tmp_path / 'test') / 'query_gallery.csv'
    out, data = tmp_path / 'out', tmp_path / 'data'
    table = AnnotationTable.load(crops / 'annotation')
    table.image_root = crops
    table.save(data)
    command = (
        *(TOOL, DATA / 'tiny_dino.py', DATA / 'tiny_moco.py'),
        *('--data', data, '--test', test, '--images', 64, '--out', out),
        *('--seeds', 0, 1, '--num-scores', 2),
    )
    call_main(*command)
    curves = read_json(out / 'scores.json')
    assert [curve['name'] for curve in curves] == ['tiny_dino', 'tiny_moco']
    for curve in curves:
        assert curve['images'] == [0, 32, 64]
        assert len(curve['mean_ap']) == 2
        assert all(0 < score <= 1 for run in curve['mean_ap'] for score in run)
    rows = (out / 'comparison.md').read_text().splitlines()
    assert len(rows) == 4 and '| 64 |' in rows[2]
    with Image.open(out / 'comparison.png') as image:
        assert image.width > 600
    # the same network before training
    before = [run[0] for curve in curves for run in curve['mean_ap']]
    assert before[0] != before[1]


def test_data_is_one_for_all_or_one_for_each(tmp_path):
    configs = [DATA / 'tiny_dino.py', DATA / 'tiny_moco.py']
    with pytest.raises(UserError, match='--data takes 1 or 2'):
        call_main(
            *(TOOL, *configs, '--data', 'a', 'b', 'c', '--test', 'test.csv'),
            *('--images', 64, '--out', tmp_path),
        )
