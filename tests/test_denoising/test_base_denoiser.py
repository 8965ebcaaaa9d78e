import pytest

from mmcion.denoising import SingleTrackletDenoiser, SingleVideoDenoiser
from mmcion.denoising.base_denoiser import check_threshold


@pytest.mark.parametrize('value', [0, 2.01, 'auto', {'auto': 1.2}])
def test_threshold_names_itself_and_its_range(value):
    with pytest.raises(ValueError, match=r'delta is .* in \(0, 2\]'):
        check_threshold('delta', value)
    assert check_threshold('delta', 2) == 2.0


@pytest.mark.parametrize(
    'arguments',
    [
        {'max_loss': 5},
        {'max_ratio': None},
        {'max_rounds': 2.5},
        {'max_rounds': 0},
        {'exclude_cooccurring': 'no'},
        {'sigma': True},
        {'sigma': None},
    ],
)
def test_levels_refuse_what_makes_no_sense(arguments):
    name = next(iter(arguments))
    with pytest.raises(ValueError, match=name):
        SingleVideoDenoiser(**{'sigma': 0.3, 'delta': 0.3, **arguments})


@pytest.mark.parametrize('value', ['abc', -1, 2.5])
def test_images_are_counted_in_whole_numbers(value):
    with pytest.raises(ValueError, match='min_images'):
        SingleTrackletDenoiser(0.3, min_images=value)
