"""Views made as a batch against those that a worker makes."""

import cv2
import numpy as np
import pytest
import torch

from mmcion.datasets import collate_views
from mmcion.datasets.transforms import MultiCrop, PackReIDInputs
from mmcion.models.utils import make_views


def photographs(number):
    """Smooth colours of several sizes."""
    rng = np.random.default_rng(0)
    found = []
    for height, width in rng.integers((60, 30), (200, 110), (number, 2)):
        coarse = rng.integers(0, 256, (12, 6, 3), np.uint8)
        size = int(width), int(height)
        smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        found.append(torch.from_numpy(smooth).permute(2, 0, 1))
    return found


def batch_of(images, on_device, seed=0):
    transform = MultiCrop((64, 32), (32, 16), 2, on_device=on_device)
    torch.manual_seed(seed)
    return collate_views(
        [PackReIDInputs()(transform({'img': image})) for image in images]
    )['inputs']


def both(number=60):
    images = photographs(number)
    ours = make_views(batch_of(images, on_device=True), 'cpu')
    theirs = [view.float() for view in batch_of(images, on_device=False)]
    return ours, theirs


def test_views_are_the_workers_but_for_rounding():
    for ours, theirs in zip(*both(), strict=True):
        assert ours.shape == theirs.shape and ours.dtype == torch.float32
        difference = (ours - theirs).abs()
        # the worker's hue has 256 steps: about six levels
        assert difference.mean() < 0.7
        assert difference.mean((1, 2, 3)).max() < 1.5
        assert difference.max() < 14


def test_statistics_are_the_workers():
    for ours, theirs in zip(*both(), strict=True):
        for moment in (torch.mean, torch.std):
            a, b = (moment(x, (2, 3)) for x in (ours, theirs))
            torch.testing.assert_close(a, b, rtol=0.01, atol=0.7)


def test_views_stay_within_the_levels():
    for view in both()[0]:
        assert view.min() >= -1e-3 and view.max() <= 255 + 1e-3


def test_views_of_an_image_do_not_depend_on_its_batch():
    images = photographs(4)
    together = make_views(batch_of(images, on_device=True), 'cpu')
    alone = make_views(batch_of(images[:1], on_device=True), 'cpu')
    for several, one in zip(together, alone, strict=True):
        torch.testing.assert_close(several[:1], one, rtol=0, atol=1e-3)


def test_autocast_does_not_cost_levels():
    plan = batch_of(photographs(4), on_device=True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        narrow = make_views(plan, 'cpu')
    for a, b in zip(narrow, make_views(plan, 'cpu'), strict=True):
        assert torch.equal(a, b)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_gpu_makes_the_same_views():
    plan = batch_of(photographs(60), on_device=True)
    on_gpu = make_views(plan, 'cuda')
    for a, b in zip(on_gpu, make_views(plan, 'cpu'), strict=True):
        assert a.is_cuda
        torch.testing.assert_close(a.cpu(), b, rtol=0, atol=0.5)
