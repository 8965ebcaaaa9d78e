import pytest
import torch

from mmcion.apis.export_parity import (
    compare_features,
    in_batches,
    random_crops,
    read_crops,
)
from mmcion.utils.checks import UserError

from ..tiny import write_image


def test_figures_by_hand():
    expected = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    found = torch.tensor([[4.0, 3.0], [1.0, 0.0]])
    parity = compare_features(expected, found)
    assert parity.max_abs_diff == 1 and parity.max_abs_value == 4
    assert parity.min_cosine == pytest.approx(24 / 25)
    assert parity.mean_cosine == pytest.approx(49 / 50)
    assert parity.cosine_between_crops == pytest.approx(3 / 5)


def test_equal_features_pass():
    feats = torch.eye(3)
    compare_features(feats, feats).check('it')


@pytest.mark.parametrize('spoil', [0.03, float('nan')])
def test_one_bad_crop_is_refused(spoil):
    feats = torch.eye(3)
    found = feats.clone()
    found[1, 0] = spoil  # cosine 0.99955
    with pytest.raises(UserError, match='it gives other features'):
        compare_features(feats, found).check('it')


def test_crops_that_do_not_differ_prove_nothing():
    feats = torch.ones(3, 8) + 1e-4 * torch.eye(3, 8)
    found = feats.roll(1, 0)  # the features of another crop
    with pytest.raises(UserError, match='cannot be checked'):
        compare_features(feats, found).check('it')


def test_shapes_must_agree():
    with pytest.raises(AssertionError, match=r'\[2, 3\].*\[2, 4\]'):
        compare_features(torch.ones(2, 3), torch.ones(2, 4))


def test_generated_crops():
    crops = random_crops(64, 32)
    assert crops.shape == (9, 64, 32, 3) and crops.dtype == torch.uint8
    assert torch.equal(crops, random_crops(64, 32))
    colour = crops.float().mean((1, 2))
    assert torch.cdist(colour, colour).fill_diagonal_(99).min() > 1


def test_images_are_spread_over_a_folder(tmp_path):
    for number in range(10):
        write_image(tmp_path / f'{number}.png', seed=number)
    every = read_crops(tmp_path, (24, 12))
    assert every.shape == (10, 24, 12, 3)
    assert torch.equal(read_crops(tmp_path, (24, 12), 4), every[::3])


def test_one_image_then_eight():
    sizes = []

    def run(images):
        sizes.append(len(images))
        return images

    images = torch.arange(12.0)[:, None]
    assert torch.equal(in_batches(run, images), images)
    assert sizes == [1, 8, 3]
