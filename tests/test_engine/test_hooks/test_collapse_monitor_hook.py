import math
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmengine.hooks import LoggerHook
from mmengine.logging import MessageHub
from mmengine.registry import DefaultScope
from mmengine.runner import get_priority
from torch import nn

from mmcion.engine import CollapseMonitorHook
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.tiny import make_pretrainer, make_samples, make_views


class Model(nn.Module):
    """A teacher whose projector is the identity: features are logits."""

    def __init__(self):
        super().__init__()
        self.teacher = nn.Module()
        self.teacher.projector = nn.Identity()
        self.head = SimpleNamespace(center=torch.zeros(4), teacher_temp=0.5)


def measure(name, feats, model=None, **options):
    """One iteration; return what was logged."""
    model = model or Model()
    hub = MessageHub.get_instance(name)
    runner = SimpleNamespace(model=model, message_hub=hub, iter=0)
    hook = CollapseMonitorHook(**{'interval': 1, **options})
    hook.before_train(runner)
    hook.before_train_iter(runner, 0)
    model.teacher.projector(feats)
    hook.after_train_iter(runner, 0)
    return {
        name: hub.get_scalar(f'train/{name}').current()
        for name in ('teacher_entropy', 'feature_std')
        if f'train/{name}' in hub.log_scalars
    }


def test_numbers_by_hand(request):
    feats = torch.tensor([[3.0, 0, 0, 0], [0, 0, 0, 2.0]])
    model = Model()
    model.head.center = torch.tensor([0.5, 0, 0, 0])
    logged = measure(request.node.name, feats, model)
    mean = ((feats - model.head.center) / 0.5).softmax(1).mean(0)
    entropy = -(mean * mean.log()).sum()
    assert logged['teacher_entropy'] == pytest.approx(float(entropy))
    # unit features 1000 and 0001: half of the dimensions have a std of 1/2
    assert logged['feature_std'] == pytest.approx(0.25)


def test_collapse_to_one_prototype(request):
    feats = torch.eye(4) + torch.tensor([99.0, 0, 0, 0])
    logged = measure(request.node.name, feats)
    assert logged['teacher_entropy'] == pytest.approx(0, abs=1e-6)


def test_collapse_to_one_point(request):
    logged = measure(request.node.name, torch.ones(5, 4))
    assert logged['teacher_entropy'] == pytest.approx(math.log(4))
    assert logged['feature_std'] == pytest.approx(0, abs=1e-6)


def test_random_features_have_the_std_of_directions(request):
    rng = torch.Generator().manual_seed(0)
    feats = torch.randn(4000, 4, generator=rng)
    logged = measure(request.node.name, feats)
    assert logged['feature_std'] == pytest.approx(0.5, rel=0.02)


def test_only_every_nth_iteration_is_measured(request):
    assert measure(request.node.name, torch.ones(5, 4), interval=2) == {}


def test_logger_comes_later():
    later = get_priority(LoggerHook.priority)
    assert get_priority(CollapseMonitorHook.priority) < later


def measure_on_rank(feats):
    return measure('rank', feats[dist.get_rank() :: 2])


def test_two_ranks_see_what_one_process_sees(request):
    feats = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    expected = measure(request.node.name, feats)
    for logged in run_on_ranks(measure_on_rank, feats):
        assert logged == pytest.approx(expected)


@pytest.mark.parametrize('chunk_size', [None, 5])
def test_pretrainer_is_watched_with_the_center_of_the_step(
    request, chunk_size
):
    head = {'type': 'SelfDistillHead', 'chunk_size': chunk_size}
    with DefaultScope.overwrite_default_scope('mmcion'):
        model = make_pretrainer(head=head)
    views = make_views(4)
    hub = MessageHub.get_instance(request.node.name)
    runner = SimpleNamespace(model=model, message_hub=hub, iter=9)
    hook = CollapseMonitorHook(interval=10)
    hook.before_train(runner)
    hook.before_train_iter(runner, 9)
    model(views, make_samples([5, 5, 2, 2]), mode='loss')
    hook.after_train_iter(runner, 9)
    logits = model.teacher(views[:2]).flatten(0, 1)
    mean = (logits / 0.04).softmax(1).mean(0)  # the centre began at 0
    entropy = float(torch.special.entr(mean).sum())
    logged = hub.get_scalar('train/teacher_entropy').current()
    assert logged == pytest.approx(entropy, rel=1e-5)


def test_interval_must_be_positive():
    with pytest.raises(UserError, match=r'interval.* 0'):
        CollapseMonitorHook(interval=0)
