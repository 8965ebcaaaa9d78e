import numpy as np
import pytest
from PIL import Image

from ..tiny import write_image
from ..tool_utils import ROOT, run_tool

TOOL = 'analysis_tools/vis_cam.py'


@pytest.fixture
def people(tmp_path):
    for i in range(4):
        write_image(tmp_path / 'people' / f'{i}.png', seed=i, size=(64, 32))
    return tmp_path / 'people'


def test_images_and_maps_are_drawn(people, tmp_path):
    done = run_tool(
        TOOL,
        *('ghostnet_1_0', people, '--random-weights', '--device', 'cpu'),
        *('--image-size', 64, 32, '--max-images', 3),
        *('--reference', people / '1.png', '--out', 'a/cams.png'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert '3 of 4 images' in done.stdout
    assert f'3 maps: {tmp_path / "a" / "cams.png"}' in done.stdout
    with Image.open(tmp_path / 'a' / 'cams.png') as image:
        assert image.format == 'PNG'
        sheet = np.asarray(image)
    assert sheet.shape[1] > 6 * 96  # three pairs
    assert sheet.shape[0] > 2 * 192  # and the reference above


@pytest.mark.slow
def test_config_with_weights(people, tmp_path):
    done = run_tool(
        TOOL,
        ROOT / 'configs/eval/zero-shot_mobilenet-v2_128x64.py',
        *(people / '0.png', people / '2.png', '--out', 'cams.jpg'),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / 'cams.jpg') as image:
        assert image.format == 'JPEG'
        assert image.height < 2 * 192


@pytest.mark.slow
@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['vit_tiny', '0.png', '--out', 'a.gif'], 'must end in .png or .jpg'),
        (['vit_tinny', '0.png', '--out', 'a.png'], 'vit_tiny'),
        (['vit_tiny', 'no.png', '--out', 'a.png'], 'MMCION_ZOO'),
        (
            ['vit_tiny', 'no.png', '--out', 'a.png', '--random-weights'],
            'no.png',
        ),
        (
            ['a.pth', '0.png', '--out', 'a.png', '--weights', 'b.pth'],
            'a.pth has weights',
        ),
        (
            ['vit_tiny', '0.png', '--out', 'a.png', '--max-images', '0'],
            '--max-images must be an integer >= 1; got 0',
        ),
    ],
)
def test_mistakes_are_reported(arguments, message, people):
    done = run_tool(TOOL, *arguments, cwd=people)
    assert done.returncode == 1
    assert message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not list(people.glob('a.*'))
