import re

import pytest
import torch

from mmcion.models import BasePretrainer
from mmcion.models.utils import pooled_feature
from mmcion.models.weights import select
from mmcion.utils.checks import UserError
from tests.tiny import DIM, make_samples, make_views
from tests.tool_utils import ROOT

BACKBONE = {'type': 'mmcion.TinyBackbone', 'use_bn': True}
PROJECTOR = {
    'type': 'mmcion.Projector',
    'in_channels': DIM,
    'hidden_channels': 4,
    'num_prototypes': 5,
}


class Method(BasePretrainer):
    """The smallest method: pulls projections of two views together."""

    def loss(self, views, data_samples):
        first, second = self.student(views[:2])
        return {'loss': (first - second).square().mean()}


class StudentMethod(Method):
    released = 'student'


class LonelyMethod(StudentMethod):
    has_teacher = False


def make(cls, **options):
    torch.manual_seed(0)
    model = cls(BACKBONE, PROJECTOR, **options)
    model.init_weights()
    return model


@pytest.mark.parametrize('cls', [Method, StudentMethod])
def test_features_are_those_of_the_released_network(cls):
    model = make(cls).eval()
    with torch.no_grad():
        for weight in model.teacher.parameters():
            weight.add_(0.1)
    images = torch.randn(2, 3, 16, 8)
    network = getattr(model, cls.released)
    expected = pooled_feature(network.backbone(images))
    torch.testing.assert_close(model(images), expected)
    samples = model(images, make_samples([0, 1]), mode='predict')
    torch.testing.assert_close(samples[1].feature, expected[1])


def test_method_without_a_teacher():
    model = make(LonelyMethod, backbone_checkpoint=None)
    assert not hasattr(model, 'teacher')
    assert model(torch.randn(2, 3, 16, 8)).shape == (2, DIM)
    assert select(model.state_dict()).role == 'student'


def test_loss_sees_the_layout_that_is_wanted():
    model = make(Method, channels_last=True)
    seen = []
    model.student.backbone.register_forward_hook(
        lambda _, inputs, __: seen.append(inputs[0])
    )
    loss = model(make_views(3), make_samples([0, 1, 2]), mode='loss')['loss']
    loss.backward()
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    weights = [p for p in model.student.parameters() if p.requires_grad]
    assert all(weight.grad is not None for weight in weights)


def test_options_that_exclude_each_other():
    with pytest.raises(UserError, match='compile_backbone'):
        make(Method, recompute='0', compile_backbone=True)


def test_base_alone_is_no_method():
    with pytest.raises(TypeError, match='loss'):
        BasePretrainer(BACKBONE, PROJECTOR)


def test_example_of_the_documentation():
    page = (ROOT / 'docs' / 'methods.md').read_text()
    (example,) = re.findall(r'```python\n(.*?)```', page, re.DOTALL)
    names = {}
    exec(
        example.replace('register_module()', 'register_module(force=True)'),
        names,
    )
    model = make(names['Siamese'])
    views = make_views(3, num_local=0)
    loss = model(views, make_samples([0, 1, 2]), mode='loss')['loss']
    loss.backward()
    assert loss.isfinite()
