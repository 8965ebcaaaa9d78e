import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from mmcion.datasets import UnreadableImageError
from mmcion.datasets.transforms import LoadImage


def load(path):
    return LoadImage()({'img_path': str(path), 'pid': 3})


def random_pixels(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_file_becomes_an_rgb_tensor(tmp_path):
    pixels = random_pixels(5, 4, 3)
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    results = load(tmp_path / 'a.png')
    assert results['img'].dtype == torch.uint8
    assert np.array_equal(results['img'].permute(1, 2, 0), pixels)
    assert results['pid'] == 3


def test_grey_file_gets_three_equal_channels(tmp_path):
    pixels = random_pixels(5, 4)
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    image = load(tmp_path / 'a.png')['img']
    assert np.array_equal(image, np.stack([pixels] * 3))


def test_transparency_is_dropped(tmp_path):
    pixels = random_pixels(5, 4, 4)
    pixels[..., 3] = 255
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    image = load(tmp_path / 'a.png')['img']
    assert np.array_equal(image.permute(1, 2, 0), pixels[..., :3])


def test_palette_file_becomes_rgb(tmp_path):
    image = Image.new('P', (4, 5), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    image.save(tmp_path / 'a.png')
    assert load(tmp_path / 'a.png')['img'][:, 0, 0].tolist() == [10, 200, 30]


def test_exif_rotation_is_honoured(tmp_path):
    image = Image.new('RGB', (16, 8))
    exif = image.getexif()
    exif[0x0112] = 6  # a quarter turn
    image.save(tmp_path / 'a.jpg', exif=exif)
    assert load(tmp_path / 'a.jpg')['img'].shape == (3, 16, 8)


def test_path_may_have_any_letters(tmp_path):
    data = cv2.imencode('.png', random_pixels(5, 4, 3))[1]
    path = tmp_path / 'é 行人.png'
    path.write_bytes(data.tobytes())
    assert load(path)['img'].shape == (3, 5, 4)


@pytest.mark.parametrize('content', [b'', b'no image'])
def test_broken_file_is_named(tmp_path, content):
    path = tmp_path / 'broken.jpg'
    path.write_bytes(content)
    message = rf'broken\.jpg .*{len(content)} by'
    with pytest.raises(UnreadableImageError, match=message):
        load(path)
    results = {'img_path': str(path), 'img_bytes': content}
    with pytest.raises(UnreadableImageError, match=message):
        LoadImage()(results)


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_truncated_file_is_no_image(tmp_path, suffix):
    data = cv2.imencode(suffix, random_pixels(64, 32, 3))[1].tobytes()
    path = tmp_path / f'a{suffix}'
    path.write_bytes(data[: int(0.9 * len(data))])
    with pytest.raises(UnreadableImageError, match=rf'a\{suffix}'):
        load(path)


def test_content_that_is_there_is_not_read_again(tmp_path):
    pixels = random_pixels(5, 4, 3)
    Image.fromarray(pixels).save(tmp_path / 'a.png')
    results = LoadImage()(
        {
            'img_path': 'store.lmdb/a.png',
            'img_bytes': (tmp_path / 'a.png').read_bytes(),
        }
    )
    assert np.array_equal(results['img'].permute(1, 2, 0), pixels)
    assert set(results) == {'img_path', 'img'}


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'nothing\.jpg'):
        load(tmp_path / 'nothing.jpg')
