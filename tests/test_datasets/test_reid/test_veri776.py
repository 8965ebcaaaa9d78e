import pytest

from .trees import build, ids_of, write_tree

TREE = {
    'image_train': ('0001_c001_00016450_0.jpg', '0003_c020_00016460_0.jpg'),
    'image_query': ('0002_c002_00030600_0.jpg',),
    'image_test': ('0002_c019_00030640_1.jpg', '0005_c003_00077625_0.jpg'),
}


@pytest.mark.parametrize('name', ['VeRi', 'VeRi_with_plate'])
def test_both_splits(tmp_path, name):
    write_tree(tmp_path / name, TREE)
    assert ids_of(build('VeRi776', tmp_path)) == [(2, 1), (2, 18), (5, 2)]
    assert ids_of(build('VeRi776', tmp_path, 'train')) == [(0, 0), (1, 19)]
