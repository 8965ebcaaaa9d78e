import pytest
import torch

from mmcion.models.data_preprocessor import ReIDDataPreprocessor

from ..transreid import NoiseErasing

STATISTICS = {'mean': (0.5, 0.4, 0.3), 'std': (0.5, 0.2, 0.3)}
SIZE = (256, 128)


def erase(image, **options):
    transform = NoiseErasing(**STATISTICS, **options)
    return transform({'img': image, 'pid': 3})['img']


def erased_box(image, found):
    """Return the changed pixels, and height and width of their box."""
    changed = (image != found).any(0)
    rows, columns = changed.any(1), changed.any(0)
    return changed, int(rows.sum()), int(columns.sum())


def test_box_is_noise_once_it_is_normalised():
    torch.manual_seed(0)
    image = torch.full((3, *SIZE), 77, dtype=torch.uint8)
    values = []
    for _ in range(30):
        found = erase(image, p=1)
        changed, height, width = erased_box(image, found)
        # a rectangle, but for noise that happens to be 77
        assert changed.sum() > 0.98 * height * width
        assert 0.019 < height * width / (SIZE[0] * SIZE[1]) < 0.34
        assert 0.29 < height / width < 3.4
        assert height < SIZE[0] and width < SIZE[1]
        batch = {'inputs': [found, image]}
        normalised = ReIDDataPreprocessor(**STATISTICS)(batch)['inputs'][0]
        values.append(normalised[:, changed])
    values = torch.cat(values, 1)
    assert values.mean(1) == pytest.approx([0, 0, 0], abs=0.02)
    assert values.std(1) == pytest.approx([1, 1, 1], abs=0.02)


def test_half_of_the_images_are_changed():
    torch.manual_seed(0)
    image = torch.zeros(3, 16, 8, dtype=torch.uint8)
    found = [erase(image) for _ in range(400)]
    assert {each.dtype for each in found} == {torch.int16}
    changed = sum(bool(each.any()) for each in found)
    assert 160 < changed < 240
    assert torch.equal(erase(image, p=0), image.short())


def test_image_that_no_box_fits_stays():
    image = torch.zeros(3, 16, 8, dtype=torch.uint8)
    assert not erase(image, p=1, scale=(1, 1), ratio=(1, 1)).any()
