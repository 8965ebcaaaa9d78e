import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mmcion.apis.retrieval_report import report_retrieval
from mmcion.evaluation import EvaluationOptions, evaluate_features

from ..test_evaluation.test_retrieval import make_features


class TinyNetwork(nn.Module):
    """One convolution, with a map over the image."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 8, stride=8)

    def forward(self, images):
        return (self.conv(images),)


@pytest.fixture
def result(tmp_path):
    features = make_features()
    rng = np.random.default_rng(0)
    for name in features.img_path:
        image = rng.integers(0, 256, (64, 32, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / name)
    features.img_path = np.array(
        [str(tmp_path / name) for name in features.img_path]
    )
    return evaluate_features(features, EvaluationOptions(keep_nearest=3))


def test_page_and_pictures_with_activation_maps(result, tmp_path):
    page = report_retrieval(
        result,
        tmp_path / 'new',
        title='A title',
        settings={'rerank': None, 'config': 'a.py'},
        command='python tools/test.py a.py',
        model=TinyNetwork(),
    )
    assert page == tmp_path / 'new' / 'report.html'
    text = page.read_text()
    for part in ('A title', 'a.py', 'python tools/test.py a.py'):
        assert part in text
    with Image.open(tmp_path / 'new' / 'activation_maps.png') as sheet:
        assert sheet.width > 400


def test_missing_images_leave_the_maps_out(result, tmp_path):
    for file in tmp_path.glob('*.jpg'):
        file.unlink()
    page = report_retrieval(
        result, tmp_path / 'new', title='', model=TinyNetwork()
    )
    assert page.is_file()
    assert not (tmp_path / 'new' / 'activation_maps.png').exists()
