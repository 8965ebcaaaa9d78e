import numpy as np
import pytest
import torch

from mmcion.models import build_backbone
from mmcion.models.weights import (
    ModelSpec,
    read_model_file,
    save_model_file,
)
from mmcion.structures import ReIDFeatures

from ..tool_utils import run_tool

TOOL = 'analysis_tools/calibrate_threshold.py'
ARCH, DIM = 'ghostnet_0_5', 1280


@pytest.fixture
def folder(tmp_path):
    """Model file, and features of 20 people in two cameras."""
    rng = np.random.default_rng(0)
    number = np.arange(40)
    people = rng.standard_normal((20, DIM))
    ReIDFeatures(
        feature=people[number // 2] + rng.standard_normal((40, DIM)),
        pid=number // 2,
        cam_id=number % 2,
        is_query=number % 2 == 0,
        img_path=[f'away/{row}.jpg' for row in number],
    ).save(tmp_path / 'features.npz')
    torch.manual_seed(0)
    save_model_file(
        tmp_path / 'model.pth',
        build_backbone(ARCH),
        ModelSpec.from_architecture(ARCH),
    )
    return tmp_path


def test_threshold_is_stored(folder):
    done = run_tool(
        TOOL,
        *('features.npz', 'model.pth', '--false-match-rate', '1e-2'),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    threshold = read_model_file(folder / 'model_calibrated.pth')[1].threshold
    assert threshold['false_match_rate'] == 0.01
    assert f'similarity of {threshold["similarity"]:.4f} on' in done.stdout
    assert 'true match rate   1.0000 of 20 matching pairs' in done.stdout
    assert '0.00789 of 380 wrong pairs (3); requested 0.01' in done.stdout
    assert 'warning: the images do not exist here' in done.stdout
    assert 'at least 1000 wrong pairs' in done.stdout
    assert 'written to model_calibrated.pth' in done.stdout


@pytest.mark.slow
def test_mistakes_leave_no_file(folder):
    done = run_tool(
        TOOL,
        *('features.npz', 'model.pth', '--false-match-rate', '1e-2'),
        *('--out', 'model.pth'),
        cwd=folder,
    )
    assert done.returncode == 1
    assert 'error: model.pth is the file that is read' in done.stderr
    assert 'Traceback' not in done.stderr
    assert len(list(folder.iterdir())) == 2
