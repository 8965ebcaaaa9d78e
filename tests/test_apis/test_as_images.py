from pathlib import Path

import numpy as np
import pytest
import torch

from mmcion.apis.features import as_images
from mmcion.utils.checks import UserError

from ..tiny import write_image

RGB = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
TENSOR = torch.from_numpy(RGB).permute(2, 0, 1)


def test_folder_below_and_sorted(tmp_path):
    for name in ('b/2.PNG', 'b/10.jpg', 'a.jpeg', 'b/.hidden.png'):
        write_image(tmp_path / name)
    (tmp_path / 'notes.txt').write_text('no image')
    found = as_images(tmp_path)
    names = [Path(path).relative_to(tmp_path).as_posix() for path in found]
    assert names == ['a.jpeg', 'b/10.jpg', 'b/2.PNG']
    assert as_images(found) == found
    assert as_images(str(found[0])) == [str(found[0])]


def test_missing_files_and_folders(tmp_path):
    there = write_image(tmp_path / 'a.png')
    with pytest.raises(FileNotFoundError, match=r'image b\.png does not'):
        as_images([there, 'b.png'])
    (tmp_path / 'c').mkdir()
    with pytest.raises(FileNotFoundError, match=r'c has no image'):
        as_images(tmp_path / 'c')


@pytest.mark.parametrize(
    ('images', 'order'),
    [
        (RGB, 'rgb'),
        (RGB[None], 'rgb'),
        (RGB[..., ::-1], 'bgr'),
        ([RGB[..., ::-1]], 'bgr'),
        (TENSOR, None),
        (TENSOR, 'rgb'),
        (TENSOR[None], None),
        ((TENSOR.flip(0),), 'bgr'),
        (TENSOR / 255, None),
        ([TENSOR.double() / 255], None),
    ],
)
def test_equivalent_inputs_give_one_image(images, order):
    found = as_images(images, order)
    assert len(found) == 1
    assert found[0].dtype == torch.uint8
    assert torch.equal(found[0], TENSOR)


def test_several():
    assert len(as_images(np.stack([RGB] * 3), 'rgb')) == 3
    assert len(as_images(torch.stack([TENSOR] * 3))) == 3
    other_size = RGB[:3]
    assert [x.shape[1] for x in as_images([RGB, other_size], 'rgb')] == [6, 3]
    assert as_images([]) == []
    assert as_images(torch.zeros(0, 3, 6, 4)) == []


@pytest.mark.parametrize(
    ('images', 'order', 'words'),
    [
        (RGB, None, "an array needs channel_order: 'bgr' if OpenCV"),
        ([RGB], None, 'an array needs channel_order'),
        (RGB, 'RGB', "channel_order .* got 'RGB'"),
        (RGB / 255, 'rgb', r'uint8 .* got ndarray \(6, 4, 3\) float64'),
        (RGB[..., 0], 'rgb', r'uint8 .* got ndarray \(6, 4\) uint8'),
        (RGB[..., :2], 'rgb', r'uint8 .* got .*\(6, 4, 2\) uint8'),
        ([RGB[None]], 'rgb', r'\(1, 6, 4, 3\) uint8'),
        (TENSOR.permute(1, 2, 0), None, r'\(6, 4, 3\) torch.uint8'),
        (RGB[:0], 'rgb', r'\(0, 4, 3\) uint8'),
        (TENSOR[None, :, :, :0], None, r'\(1, 3, 6, 0\) torch.uint8'),
        (TENSOR.long(), None, r'torch\.int64 from'),
        (TENSOR.float(), None, r'in \[0, 1\].* from 1 to 248\. The'),
        (TENSOR / 255 - 0.5, None, r'\[0, 1\].* from -0\.496 to'),
        (TENSOR * float('nan'), None, r'in \[0, 1\].* nan to nan'),
        ([3], None, 'got int'),
        (['a.png', RGB], 'rgb', 'got str'),
    ],
)
def test_what_is_refused(images, order, words):
    with pytest.raises(UserError, match=words):
        as_images(images, order)


def test_files_take_no_channel_order(tmp_path):
    path = write_image(tmp_path / 'a.png')
    with pytest.raises(UserError, match="channel_order; got 'bgr'"):
        as_images(path, 'bgr')


def test_folder_in_a_list_is_refused(tmp_path):
    path = write_image(tmp_path / 'images' / 'a.png')
    with pytest.raises(FileNotFoundError, match='images is a folder'):
        as_images([path, path.parent])
