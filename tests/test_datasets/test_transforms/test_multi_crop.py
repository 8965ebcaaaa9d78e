import random

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision import transforms as T

from mmcion.datasets.transforms import MultiCrop, multi_crop, random_view
from mmcion.utils.checks import UserError

PAPER = {'global_size': (256, 128), 'local_size': (128, 64), 'num_local': 8}


def random_image(height=64, width=32, seed=0):
    rng = torch.Generator().manual_seed(seed)
    shape = (3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


def apply(transform, image, seed=0):
    torch.manual_seed(seed)
    return transform({'img': image, 'pid': 3})


def note_calls(monkeypatch, name, result=None):
    """Record the arguments of a function that views call."""
    calls = []

    def note(*arguments):
        calls.append(arguments)
        return arguments[0] if result is None else result

    monkeypatch.setattr(random_view, name, note)
    return calls


def test_number_order_and_sizes_of_views():
    results = apply(MultiCrop(**PAPER | {'num_local': 3}), random_image())
    views = results['views']
    shapes = [tuple(view.shape) for view in views]
    assert shapes == [(3, 256, 128)] * 2 + [(3, 128, 64)] * 3
    assert {view.dtype for view in views} == {torch.uint8}
    assert results['pid'] == 3 and 'img' not in results


def test_crops_are_the_papers(monkeypatch):
    calls = note_calls(monkeypatch, 'random_box', (0, 0, 60, 30))
    views = apply(MultiCrop(**PAPER), random_image())['views']
    sizes = [tuple(view.shape[1:]) for view in views]
    assert sizes == [(256, 128)] * 2 + [(128, 64)] * 8
    drawn = [call[:3] for call in calls]
    globals_ = [((64, 32), (0.8, 1.0), (0.4, 0.6))] * 2
    assert drawn == globals_ + [((64, 32), (0.05, 0.8), (0.4, 0.6))] * 8


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
    transform = MultiCrop(size, (8, 4), num_local=1)
    assert {kind.ratio for kind in transform.kinds} == {ratio}
    assert apply(transform, random_image())['views'][0].shape[1] > 0


def test_other_proportions_need_a_ratio():
    with pytest.raises(UserError, match=r'\(200, 128\)'):
        MultiCrop((200, 128), (8, 4), 1)
    transform = MultiCrop((200, 128), (8, 4), 1, ratio=(0.5, 0.7))
    assert transform.kinds[0].ratio == (0.5, 0.7)


def test_changes_are_as_frequent_as_the_papers(monkeypatch):
    """Blur, solarisation, grey and jitter by size of the view."""
    calls = {
        name: note_calls(monkeypatch, name)
        for name in ('blur', 'solarize', 'to_grey', 'jitter_colours')
    }
    draws, num_local = 400, 2
    transform = MultiCrop((16, 8), (8, 4), num_local)
    torch.manual_seed(0)
    for _ in range(draws):
        transform({'img': random_image()})

    def fraction(name, height, views):
        found = sum(call[0].shape[0] == height for call in calls[name])
        return found / (draws * views)

    # four standard deviations of 800 draws
    for height in (16, 8):
        assert fraction('jitter_colours', height, 2) == pytest.approx(
            0.8, abs=0.06
        )
        assert fraction('to_grey', height, 2) == pytest.approx(0.2, abs=0.06)
    assert fraction('blur', 16, 2) == pytest.approx(0.55, abs=0.03)
    assert fraction('blur', 8, num_local) == pytest.approx(0.5, abs=0.07)
    assert fraction('solarize', 16, 1) == pytest.approx(0.2, abs=0.08)
    assert fraction('solarize', 8, 1) == 0
    sigmas = [sigma for _, sigma in calls['blur']]
    assert 0.1 <= min(sigmas) < 0.15 and 1.95 < max(sigmas) <= 2
    assert np.mean(sigmas) == pytest.approx(1.05, abs=0.08)


def test_first_global_view_is_always_blurred_and_never_solarised(monkeypatch):
    blurred = note_calls(monkeypatch, 'blur')
    solarized = note_calls(monkeypatch, 'solarize')
    monkeypatch.setattr(multi_crop, '_GLOBAL_2', (0.0, 0.0))
    transform = MultiCrop((16, 8), (8, 4), num_local=0)
    for seed in range(50):
        apply(transform, random_image(), seed)
    assert len(blurred) == 50 and not solarized


def test_half_of_the_views_are_flipped(monkeypatch):
    monkeypatch.setattr(random_view, '_JITTERED', 0.0)
    monkeypatch.setattr(random_view, '_GREY', 0.0)
    image = torch.zeros(3, 64, 32, dtype=torch.uint8)
    image[:, :, 16:] = 255
    transform = MultiCrop((64, 32), (8, 4), 0, global_scale=(0.95, 1))
    flipped = 0
    for seed in range(400):
        view = apply(transform, image, seed)['views'][0].float()
        flipped += bool(view[..., :16].mean() > view[..., 16:].mean())
    assert flipped == pytest.approx(200, abs=40)


class PillowBlur:
    def __init__(self, often):
        self.often = often

    def __call__(self, image):
        if random.random() >= self.often:
            return image
        sigma = random.uniform(0.1, 2)
        return image.filter(ImageFilter.GaussianBlur(sigma))


def pillow_solarize(image):
    return ImageOps.solarize(image) if random.random() < 0.2 else image


def pillow_view(size, scale, *more):
    return T.Compose(
        [
            T.RandomResizedCrop(
                size, scale, (0.4, 0.6), T.InterpolationMode.BICUBIC
            ),
            T.RandomHorizontalFlip(0.5),
            T.RandomApply([T.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            T.RandomGrayscale(0.2),
            *more,
        ]
    )


def moments(view):
    """Mean and spread of channels, their differences, and sharpness."""
    view = np.asarray(view).astype(float)
    colour = np.ptp(view, axis=2).mean()
    sharpness = np.abs(np.diff(view, axis=0)).mean()
    means, spreads = view.mean((0, 1)), view.std((0, 1))
    return [*means, *spreads, colour, sharpness]


def test_statistics_are_those_of_the_authors_formulation():
    """Against Pillow and torchvision: means and spreads of views agree."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 6, 3), np.uint8)
    image = cv2.resize(coarse, (80, 160), interpolation=cv2.INTER_CUBIC)
    pillow = Image.fromarray(image)
    views = (
        pillow_view((64, 32), (0.8, 1.0), PillowBlur(1.0)),
        pillow_view((64, 32), (0.8, 1.0), PillowBlur(0.1), pillow_solarize),
        pillow_view((32, 16), (0.05, 0.8), PillowBlur(0.5)),
    )
    random.seed(0)
    torch.manual_seed(0)
    transform = MultiCrop((64, 32), (32, 16), num_local=1)
    draws, ours, theirs = 500, [], []
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    for _ in range(draws):
        made = transform({'img': tensor})['views']
        ours.append([moments(view.permute(1, 2, 0)) for view in made])
        theirs.append([moments(view(pillow)) for view in views])
    a, b = np.array(ours), np.array(theirs)
    error = np.sqrt((a.var(0) + b.var(0)) / draws)
    assert (np.abs(a.mean(0) - b.mean(0)) < 4 * error + 0.3).all()
    assert (np.abs(a.std(0) / b.std(0) - 1) < 0.2).all()


def test_same_seed_gives_the_same_views():
    transform = MultiCrop((16, 8), (8, 4), num_local=2)
    runs = [apply(transform, random_image(), seed)['views'] for seed in (1, 1)]
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
    other = apply(transform, random_image(), 2)['views']
    assert not torch.equal(runs[0][0], other[0])


def test_views_do_not_change_with_the_memory_of_the_image():
    image = random_image()
    transform = MultiCrop((16, 8), (8, 4), num_local=2)
    packed = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    views = [apply(transform, x)['views'] for x in (image, packed)]
    assert all(torch.equal(a, b) for a, b in zip(*views, strict=True))


def test_loaded_image_stays_as_it_was():
    image = random_image()
    before = image.clone()
    apply(MultiCrop((16, 8), (8, 4), num_local=2), image)
    assert torch.equal(image, before)


def test_views_for_the_device_are_drawn_from_the_same_numbers(monkeypatch):
    image = random_image()
    drawn = note_calls(monkeypatch, 'random_box', (2, 3, 40, 20))
    shapes = {'global_size': (16, 8), 'local_size': (8, 4), 'num_local': 2}
    apply(MultiCrop(**shapes), image)
    plan = apply(MultiCrop(**shapes, on_device=True), image)['views']
    assert [c[:3] for c in drawn[:4]] == [c[:3] for c in drawn[4:]]
    assert plan.boxes.tolist() == [[2, 3, 40, 20]] * 4
    assert plan.sizes.tolist() == [[16, 8]] * 2 + [[8, 4]] * 2
    assert torch.equal(plan.images.permute(2, 0, 1), image)


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((64, 32), (64, 32)),
        ((128, 60), (100, 47)),
        ((90, 100), (45, 50)),
        ((1000, 1), (100, 1)),
    ],
)
def test_large_images_are_reduced_for_the_device(size, expected):
    options = {'num_local': 0, 'on_device': True, 'max_size': (100, 50)}
    transform = MultiCrop(**PAPER | options)
    image = torch.full((3, *size), 7, dtype=torch.uint8)
    plan = apply(transform, image)['views']
    assert plan.images.shape == (*expected, 3)
    assert (plan.images == 7).all()
    ends = plan.boxes[:, :2] + plan.boxes[:, 2:]
    assert (ends <= torch.tensor(expected)).all()


@pytest.mark.parametrize(
    'options',
    [
        {'global_size': (0, 0)},
        {'global_size': 128},
        {'local_size': (64, -1)},
        {'num_local': -1},
    ],
)
def test_sizes_and_numbers_must_be_usable(options):
    usual = {'global_size': (16, 8), 'local_size': (8, 4), 'num_local': 2}
    with pytest.raises(UserError, match=next(iter(options))):
        MultiCrop(**{**usual, **options})
