import pytest

from mmcion.datasets.number_names import number_names


@pytest.mark.parametrize(
    ('names', 'numbers'),
    [
        (['7', '-1', '0012', '7'], [7, -1, 12, 7]),
        (['7', '07'], [1, 0]),
        (['b', 'a', '10', 'b'], [2, 1, 0, 2]),
        (['٣', '1'], [1, 0]),
        (['9' * 19, '1'], [1, 0]),
        (['9' * 18], [10**18 - 1]),
        ([], []),
    ],
)
def test_numbers(names, numbers):
    found = number_names(names)
    assert [found[name] for name in names] == numbers
