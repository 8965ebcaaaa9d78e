import pytest

from mmcion.denoising.base_denoiser import check_threshold


@pytest.mark.parametrize('value', [0, 2.01, 'auto', {'auto': 1.2}])
def test_threshold_names_itself_and_its_range(value):
    with pytest.raises(ValueError, match=r'delta is .* in \(0, 2\]'):
        check_threshold('delta', value)
    assert check_threshold('delta', 2) == 2.0
