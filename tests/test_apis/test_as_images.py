from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmcion.apis.as_images import as_images
from mmcion.datasets.transforms import LoadImage
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
        (Image.fromarray(RGB), None),
        ([Image.fromarray(RGB).convert('RGBA')], None),
        (iter([TENSOR]), None),
        ({'a': TENSOR}.values(), None),
        (np.array([None, TENSOR], object)[1:], None),
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
        (TENSOR.float(), None, r'in \[0, 1\].* from 1 to 248\. Only'),
        (TENSOR / 255 - 0.5, None, r'\[0, 1\].* from -0\.496 to'),
        (TENSOR * float('nan'), None, r'in \[0, 1\].* nan to nan'),
        ([3], None, r'images\[0\].*got int'),
        (3, None, 'got int'),
        (None, None, 'got NoneType'),
        (b'a.jpg', None, 'got bytes'),
        ({'a': TENSOR}, None, 'got dict'),
        ([TENSOR, RGB], None, r'images\[1\]: an array needs'),
        ((x for x in (TENSOR, None)), None, r'images\[1\].*got NoneType'),
        (Image.fromarray(RGB), 'bgr', "need no .*'bgr'"),
        (Image.fromarray(RGB[..., 0]).convert('F'), None, 'mode F'),
    ],
)
def test_what_is_refused(images, order, words):
    with pytest.raises(UserError, match=words):
        as_images(images, order)


def test_paths_of_any_kind(tmp_path):
    paths = [write_image(tmp_path / name) for name in ('a.png', 'b.png')]
    names = [str(path) for path in paths]
    for given in (
        paths,
        iter(names),
        np.array(names),
        np.array(names, np.bytes_),
        np.array(paths, object),
        np.array(names).reshape(2, 1),
    ):
        assert as_images(given) == names
    mixed = as_images([names[0], Image.open(names[1]), TENSOR])
    assert mixed[0] == names[0]
    read = LoadImage()({'img_path': names[1]})['img']
    assert torch.equal(mixed[1], read)
    assert len(mixed) == 3


def test_pil_image_is_upright_as_its_file(tmp_path):
    image = Image.fromarray(RGB)
    exif = image.getexif()
    exif[0x0112] = 6  # rotated by a quarter
    image.save(tmp_path / 'a.png', exif=exif)
    read = LoadImage()({'img_path': tmp_path / 'a.png'})['img']
    (found,) = as_images(Image.open(tmp_path / 'a.png'))
    assert torch.equal(found, read)


def test_damaged_pil_image_is_named_by_its_index(tmp_path):
    path = write_image(tmp_path / 'a.png')
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r'images\[1\].*cannot be read'):
        as_images([TENSOR, Image.open(path)])


def test_files_take_no_channel_order(tmp_path):
    path = write_image(tmp_path / 'a.png')
    with pytest.raises(UserError, match="channel_order; got 'bgr'"):
        as_images(path, 'bgr')
    assert as_images([], 'bgr') == []  # a frame in which there is nobody


def test_folder_in_a_list_is_refused(tmp_path):
    path = write_image(tmp_path / 'images' / 'a.png')
    with pytest.raises(FileNotFoundError, match='images is a folder'):
        as_images([path, path.parent])
