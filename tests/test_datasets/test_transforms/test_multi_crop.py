import pytest
import torch
from torchvision.transforms import v2

from mmcion.datasets.transforms import MultiCrop
from mmcion.datasets.transforms import multi_crop as module
from mmcion.datasets.transforms.multi_crop import random_blur, random_solarize

HEIGHT, WIDTH = 240, 120


def random_image(height=64, width=32, seed=0):
    rng = torch.Generator().manual_seed(seed)
    shape = (3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


def apply(transform, image, seed=0):
    torch.manual_seed(seed)
    return transform({'img': image, 'pid': 3})


def crops_only(transform, name):
    """The crop of a kind of view, without colours and flip."""
    crop = getattr(transform, name).transforms[0]
    assert isinstance(crop, v2.RandomResizedCrop)
    return crop


def crop_boxes(crop, num_crops=200):
    """Height and width of crops in pixels, read from coordinates.

    The image's channels are its row and column numbers, which stay linear
    when a crop is resized; so their slope tells the size of the crop.
    """
    rows = torch.arange(HEIGHT).view(-1, 1).expand(HEIGHT, WIDTH)
    columns = torch.arange(WIDTH).expand(HEIGHT, WIDTH)
    image = torch.stack((rows, columns, rows)).to(torch.uint8)
    torch.manual_seed(0)
    boxes = []
    for _ in range(num_crops):
        view = crop(image).float()
        height, width = view.shape[-2:]
        # quarter to three quarters: clear of the border's extrapolation
        tall = view[0, 3 * height // 4] - view[0, height // 4]
        wide = view[1, :, 3 * width // 4] - view[1, :, width // 4]
        boxes.append((2 * tall.mean(), 2 * wide.mean()))
    return torch.tensor(boxes).T


def test_number_order_and_sizes_of_views():
    results = apply(MultiCrop(num_local=3), random_image())
    views = results['views']
    shapes = [tuple(view.shape) for view in views]
    assert shapes == [(3, 256, 128)] * 2 + [(3, 128, 64)] * 3
    assert {view.dtype for view in views} == {torch.uint8}
    assert results['pid'] == 3 and 'img' not in results


def test_defaults_are_the_papers():
    transform = MultiCrop()
    crops = [crops_only(transform, name) for name in ('_global', '_local')]
    assert [tuple(crop.size) for crop in crops] == [(256, 128), (128, 64)]
    assert [tuple(crop.scale) for crop in crops] == [(0.8, 1), (0.05, 0.8)]
    assert {tuple(crop.ratio) for crop in crops} == {(0.4, 0.6)}
    assert len(apply(transform, random_image())['views']) == 10


def test_common_colours_are_the_papers():
    flip, jitter, grey = MultiCrop()._local.transforms[1:]
    (colours,) = jitter.transforms
    assert (flip.p, jitter.p, grey.p) == (0.5, 0.8, 0.2)
    assert tuple(colours.brightness) == tuple(colours.contrast) == (0.6, 1.4)
    assert tuple(colours.saturation) == (0.8, 1.2)
    assert tuple(colours.hue) == (-0.1, 0.1)


@pytest.mark.parametrize(
    ('name', 'smallest', 'largest'),
    [('_global', 0.8, 1.0), ('_local', 0.05, 0.8)],
)
def test_crops_have_the_area_and_the_proportions(name, smallest, largest):
    transform = MultiCrop(global_size=(256, 128), local_size=(128, 64))
    height, width = crop_boxes(crops_only(transform, name))
    area = height * width / (HEIGHT * WIDTH)
    # sizes are read from pixels of 1 / 64 crop width, hence 4 % in area
    assert area.min() > 0.96 * smallest - 0.01
    assert area.max() < 1.04 * largest + 0.01
    spread = largest - smallest
    assert area.min() < smallest + 0.3 * spread
    assert area.max() > largest - 0.3 * spread
    ratio = width / height
    assert ratio.min() > 0.36 and ratio.max() < 0.66


@pytest.mark.parametrize(
    ('size', 'ratio'),
    [
        ((256, 128), (0.4, 0.6)),
        ([256, 128], (0.4, 0.6)),
        ((128, 64), (0.4, 0.6)),
        ((224, 224), (3 / 4, 4 / 3)),
        ((384, 128), (0.25, 0.4)),
    ],
)
def test_ratio_follows_from_the_global_size(size, ratio):
    crop = crops_only(MultiCrop(global_size=size), '_local')
    assert tuple(crop.ratio) == ratio


def test_other_proportions_need_a_ratio():
    with pytest.raises(ValueError, match=r'global_size \(200, 128\)'):
        MultiCrop(global_size=(200, 128))
    transform = MultiCrop(global_size=(200, 128), ratio=(0.5, 0.7))
    assert tuple(crops_only(transform, '_global').ratio) == (0.5, 0.7)


def test_views_get_the_papers_probabilities(monkeypatch):
    calls = []

    def note(kind):
        def call(image, probability):
            calls.append((kind, image.shape[-2], probability))
            return image

        return call

    monkeypatch.setattr(module, 'random_blur', note('blur'))
    monkeypatch.setattr(module, 'random_solarize', note('solarize'))
    apply(MultiCrop((16, 8), (8, 4), num_local=2), random_image())
    assert calls == [
        ('blur', 16, 1.0),
        ('blur', 16, 0.1),
        ('solarize', 16, 0.2),
        ('blur', 8, 0.5),
        ('blur', 8, 0.5),
    ]


@pytest.mark.parametrize('change', [random_blur, random_solarize])
@pytest.mark.parametrize('probability', [0.0, 0.1, 0.5, 1.0])
def test_changes_are_as_frequent_as_told(change, probability):
    image = random_image(16, 8)
    torch.manual_seed(0)
    draws = 600
    changed = sum(
        not torch.equal(change(image, probability), image)
        for _ in range(draws)
    )
    # four standard deviations; a blur with a tiny radius changes nothing
    slack = 4 * (probability * (1 - probability) * draws) ** 0.5
    lost = 0.12 * probability * draws if change is random_blur else 0
    expected = probability * draws
    assert expected - slack - lost <= changed <= expected + slack


def test_blur_smoothes_and_keeps_the_mean():
    image = random_image()
    torch.manual_seed(0)
    blurred = torch.stack([random_blur(image, 1.0) for _ in range(20)])
    spread = blurred.float().std((1, 2, 3))
    assert spread.min() < 0.3 * image.float().std()
    means = blurred.float().mean((1, 2, 3))
    assert (means - image.float().mean()).abs().max() < 2


@pytest.mark.parametrize('size', [(4, 2), (3, 3), (5, 4)])
def test_blur_of_an_image_smaller_than_the_kernel(size):
    torch.manual_seed(0)
    for _ in range(20):
        assert random_blur(random_image(*size), 1.0).shape == (3, *size)


def test_solarize_inverts_the_bright_half():
    image = torch.tensor([0, 127, 128, 255], dtype=torch.uint8)
    solarized = random_solarize(image.expand(3, 1, 4), 1.0)
    assert solarized[0, 0].tolist() == [0, 127, 127, 0]


def test_same_seed_gives_the_same_views():
    transform = MultiCrop((16, 8), (8, 4), num_local=2)
    runs = [apply(transform, random_image(), seed)['views'] for seed in (1, 1)]
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
    other = apply(transform, random_image(), 2)['views']
    assert not torch.equal(runs[0][0], other[0])


def test_loaded_image_stays_as_it_was():
    image = random_image()
    before = image.clone()
    apply(MultiCrop((16, 8), (8, 4), num_local=2), image)
    assert torch.equal(image, before)
