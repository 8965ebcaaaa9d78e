import pytest

from mmcion.datasets.tracklet_readers.name_rules import (
    LUPERSON_IMAGE,
    LUPERSON_KEY,
    LUPERSON_NL_IMAGE,
    LUPERSON_NL_KEY,
    MARS_IMAGE,
    parse_names,
)


@pytest.mark.parametrize(
    ('pattern', 'name', 'numbers'),
    [
        (LUPERSON_NL_IMAGE, '000012_0000340_02', [12, 340, 2]),
        (LUPERSON_NL_IMAGE, '433996_0000000_103', [433996, 0, 103]),
        (LUPERSON_NL_KEY, '21697_000012_0000340_02', [21697, 12, 340, 2]),
        (LUPERSON_IMAGE, '00000341_0002', [341, 2]),
        (LUPERSON_KEY, '34_01_0341_00001865', [34, 1, 341, 1865]),
        (MARS_IMAGE, '0001C1T0002F035', [1, 1, 2, 35]),
        (MARS_IMAGE, '00-1C6T0003F001', [-1, 6, 3, 1]),
        (MARS_IMAGE, '0000C2T0001F1000', [0, 2, 1, 1000]),
    ],
)
def test_names_of_the_datasets(pattern, name, numbers):
    fields, good, bad = parse_names([name], pattern)
    assert fields.tolist() == [numbers]
    assert (good, bad) == ([0], [])


@pytest.mark.parametrize(
    ('pattern', 'name'),
    [
        (LUPERSON_NL_IMAGE, '000012_0000340_'),  # cut off
        (LUPERSON_NL_IMAGE, '000012_0000340_2'),
        (LUPERSON_NL_IMAGE, '12_0000340_02'),
        (LUPERSON_NL_IMAGE, '00001_000012_0000340_02'),  # a key
        (LUPERSON_NL_IMAGE, '000012_0000340_02 (1)'),
        (LUPERSON_NL_IMAGE, '٠٠٠٠١٢_0000340_02'),  # digits, but not these
        (LUPERSON_NL_KEY, '000012_0000340_02'),
        (LUPERSON_IMAGE, '00000341_002'),
        (LUPERSON_KEY, '34_01_0341_0000186'),
        (MARS_IMAGE, '000001C1T0002F035'),
        (MARS_IMAGE, '-1C1T0002F0'),
    ],
)
def test_other_names(pattern, name):
    fields, good, bad = parse_names([name], pattern)
    assert fields.shape == (0, pattern.groups)
    assert (good, bad) == ([], [0])


def test_indices_point_into_the_names():
    names = ['x', '00000001_0000', 'y', '00000002_0001']
    fields, good, bad = parse_names(names, LUPERSON_IMAGE)
    assert fields.tolist() == [[1, 0], [2, 1]]
    assert (good, bad) == ([1, 3], [0, 2])
