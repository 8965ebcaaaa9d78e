import pytest
import torch

from mmcion.models import DINO, identity_distill_loss
from mmcion.registry import MODELS
from tests.golden import golden_logits, read_golden
from tests.tiny import make_samples, make_views, pretrainer_cfg


@pytest.mark.parametrize('num_views', [2, 4, 10])
def test_golden_loss(num_views):
    student, teacher, center = golden_logits(num_views)
    own = torch.arange(student.shape[1])
    loss = identity_distill_loss(student, teacher, center, own)
    expected = read_golden('pretraining')['dino']['outputs'][f'V{num_views}']
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def make_dino(**options):
    torch.manual_seed(0)
    model = MODELS.build({**pretrainer_cfg(), 'type': 'DINO', **options})
    model.init_weights()
    return model


@pytest.mark.parametrize('chunk_size', [None, 5])
def test_identities_do_not_count(chunk_size):
    head = {'type': 'SelfDistillHead', 'chunk_size': chunk_size}
    views = make_views(4)
    losses = [
        make_dino(head=head)(views, make_samples(pids), mode='loss')['loss']
        for pids in ([3, 3, 3, 3], [0, 1, 2, 3])
    ]
    torch.testing.assert_close(*losses, rtol=0, atol=0)


def test_only_the_student_drops_paths():
    backbone = {
        'type': 'mmcion.VisionTransformerICS',
        'arch': 'tiny',
        'drop_path_rate': 0.1,
        'depth': 2,
    }
    projector = {'type': 'Projector', 'num_prototypes': 12}
    model = make_dino(backbone=backbone, projector=projector)
    assert isinstance(model, DINO)
    rates = [
        network.backbone.model.blocks[-1].drop_path1.drop_prob
        for network in (model.student, model.teacher)
    ]
    assert rates == [pytest.approx(0.1), 0]
    names = {n.removeprefix('teacher.') for n in model.state_dict()}
    assert {n.removeprefix('student.') for n in names} == {
        n for n in names if not n.startswith('student.')
    }
