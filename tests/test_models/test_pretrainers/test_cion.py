import shutil
from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import MMDistributedDataParallel, is_model_wrapper

from mmcion.engine import (
    ClipPerTensorHook,
    DecayGroupsConstructor,
    FreezeLastLayerHook,
    TeacherUpdateHook,
)
from mmcion.models import identity_distill_loss
from mmcion.registry import MODELS
from mmcion.utils.checks import UserError
from tests.dist_utils import run_on_ranks
from tests.tiny import (
    DIM,
    make_pretrainer,
    make_samples,
    make_views,
    pretrainer_cfg,
)

PIDS = [5, 5, 2, 2]
TILED = {'head': {**pretrainer_cfg()['head'], 'chunk_size': 5}}


def states_equal(first, second):
    pairs = zip(
        first.state_dict().values(), second.state_dict().values(), strict=True
    )
    return all(torch.equal(a, b) for a, b in pairs)


def change(module, seed=1):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in module.parameters():
            tensor.add_(torch.randn(tensor.shape, generator=rng))


def test_multi_crop_forward_equals_one_pass_per_view():
    model = make_pretrainer()
    views = make_views(3, num_local=3)
    logits = model.student(views)
    expected = torch.stack([model.student([view])[0] for view in views])
    assert logits.shape[:2] == (5, 3)
    torch.testing.assert_close(logits, expected)


def test_views_of_one_size_share_a_backbone_pass():
    model = make_pretrainer(use_bn=True)
    passes = []
    model.student.backbone.register_forward_hook(
        lambda _, inputs, __: passes.append(tuple(inputs[0].shape))
    )
    model.student(make_views(3, num_local=4))
    assert passes == [(6, 3, 16, 8), (12, 3, 8, 4)]


def test_teacher_starts_as_the_student():
    model = make_pretrainer(use_bn=True)
    assert states_equal(model.student, model.teacher)
    change(model.student)
    model.init_weights()
    assert states_equal(model.student, model.teacher)


def test_only_the_student_learns():
    model = make_pretrainer()
    loss = model(make_views(4), make_samples(PIDS), mode='loss')['loss']
    loss.backward()
    assert not any(p.requires_grad for p in model.teacher.parameters())
    assert all(p.grad is None for p in model.teacher.parameters())
    trained = [p for p in model.student.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.any() for p in trained)


@pytest.mark.parametrize('momentum', [0.0, 0.9, 1.0])
def test_teacher_follows_by_parameters_and_not_by_buffers(momentum):
    model = make_pretrainer(use_bn=True)
    change(model.student)
    for buffer in model.student.buffers():
        buffer.add_(1)
    before = deepcopy(model.teacher)
    model.update_teacher(momentum)
    trios = zip(
        model.teacher.parameters(),
        before.parameters(),
        model.student.parameters(),
        strict=True,
    )
    for new, old, student in trios:
        expected = momentum * old + (1 - momentum) * student
        torch.testing.assert_close(new, expected, rtol=1e-6, atol=1e-7)
    buffers = zip(model.teacher.buffers(), before.buffers(), strict=True)
    assert all(torch.equal(new, old) for new, old in buffers)


def test_teacher_statistics_move_by_its_own_batches():
    model = make_pretrainer(use_bn=True)
    change(model.student.backbone)
    views = make_views(4)
    first_conv, norm = list(model.teacher.backbone)[:2]
    maps = first_conv(torch.cat(views[:2]))
    model(views, make_samples(PIDS), mode='loss')
    assert norm.training and norm.num_batches_tracked == 1
    torch.testing.assert_close(norm.running_mean, 0.1 * maps.mean((0, 2, 3)))
    torch.testing.assert_close(
        norm.running_var, 0.9 + 0.1 * maps.var((0, 2, 3))
    )


def test_loss_is_that_of_the_formula():
    model = make_pretrainer()
    change(model.student)
    views = make_views(4)
    pids = torch.tensor(PIDS)
    center = torch.linspace(-0.1, 0.1, len(model.head.center))
    model.head.center.copy_(center)
    loss = model(views, make_samples(PIDS), mode='loss')['loss']
    expected = identity_distill_loss(
        model.student(views), model.teacher(views[:2]), center, pids
    )
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize('epoch', [0, 1])
def test_one_step_equals_a_step_by_hand(epoch):
    lr, decay, max_norm, momentum = 1e-2, 0.04, 1e-3, 0.9
    model = make_pretrainer()
    by_hand = deepcopy(model)
    views, samples = make_views(4), make_samples(PIDS)
    optimizer_cfg = {'type': 'AdamW', 'lr': lr, 'weight_decay': decay}
    wrapper = DecayGroupsConstructor({'optimizer': optimizer_cfg})(model)
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper, epoch=epoch)
    FreezeLastLayerHook(epochs=1).before_train(runner)
    ClipPerTensorHook(max_norm).before_train(runner)

    wrapper.update_params(model(views, samples, mode='loss')['loss'])
    model.update_teacher(TeacherUpdateHook(momentum).momentum_at(0, 10))

    student, teacher = by_hand.student, by_hand.teacher
    targets = teacher(views[:2])
    loss = identity_distill_loss(
        student(views), targets, torch.zeros(12), torch.tensor(PIDS)
    )
    loss.backward()
    clipped = 0
    with torch.no_grad():
        for name, weight in student.named_parameters():
            if not weight.requires_grad:
                continue
            if epoch == 0 and 'last_layer' in name:
                continue
            norm = weight.grad.norm()
            clipped += int(norm > max_norm)
            grad = weight.grad * min(1, max_norm / (norm + 1e-6))
            if weight.dim() > 1 and not name.endswith('.bias'):
                weight.mul_(1 - lr * decay)
            # Adam's first step: both averages are the gradient itself
            weight.sub_(lr * grad / (grad.abs() + 1e-8))
        for old, new in zip(
            teacher.parameters(), student.parameters(), strict=True
        ):
            old.copy_(momentum * old + (1 - momentum) * new)
    assert clipped > 3
    for part in ('student', 'teacher'):
        got = dict(getattr(model, part).named_parameters())
        for name, expected in getattr(by_hand, part).named_parameters():
            torch.testing.assert_close(
                got[name], expected, rtol=1e-5, atol=1e-6, msg=name
            )
    center = 0.1 * targets.mean((0, 1))
    torch.testing.assert_close(model.head.center, center)


def test_channels_last_gives_the_same_result():
    results = []
    for channels_last in (False, True):
        model = make_pretrainer(use_bn=True, channels_last=channels_last)
        loss = model(make_views(4), make_samples(PIDS), mode='loss')['loss']
        loss.backward()
        weight = model.student.backbone[0].weight
        nhwc = weight.is_contiguous(memory_format=torch.channels_last)
        assert nhwc or not channels_last
        results.append((loss.detach(), weight.grad.contiguous()))
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-6)


def step_results(**options):
    """Loss, gradients and state after the forward pass of a fixed batch."""
    model = make_pretrainer(use_bn=True, **options).double()
    views = [view.double() for view in make_views(4)]
    loss = model(views, make_samples(PIDS), mode='loss')['loss']
    loss.backward()
    grads = {
        name: weight.grad.contiguous()
        for name, weight in model.student.named_parameters()
        if weight.requires_grad
    }
    return loss.detach(), grads, model.state_dict()


def test_chunks_of_prototypes_give_the_same_step():
    torch.testing.assert_close(
        step_results(**TILED), step_results(), rtol=1e-10, atol=1e-12
    )


def test_recomputed_activations_give_the_same_step():
    plain = step_results()
    recomputed = step_results(recompute=r'\d')
    # statistics of batch norms included: they have moved once
    torch.testing.assert_close(recomputed, plain, rtol=1e-10, atol=1e-12)


def gradients(model, rows):
    """Gradients of a part of the batch, and the centre after it."""
    views = [view[rows] for view in make_views(4)]
    model(views, make_samples(PIDS[rows]), mode='loss')['loss'].backward()
    model = model.module if is_model_wrapper(model) else model
    trained = [p for p in model.student.parameters() if p.requires_grad]
    return [p.grad for p in trained], model.head.center


def gradients_on_rank(options):
    rank = torch.distributed.get_rank()
    model = MMDistributedDataParallel(
        make_pretrainer(**options), broadcast_buffers=False
    )
    return gradients(model, slice(2 * rank, 2 * rank + 2))


@pytest.mark.parametrize('options', [{}, {**TILED, 'recompute': r'\d'}])
def test_two_ranks_equal_one_process_with_both_batches(options):
    expected = gradients(make_pretrainer(), slice(4))
    for got in run_on_ranks(gradients_on_rank, options):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(
    not (shutil.which('g++') or shutil.which('c++')),
    reason='torch.compile needs a C++ compiler on CPUs',
)
def test_compiled_backbones_give_the_same_step():
    plain = step_results()
    compiled = step_results(compile_backbone=True)
    torch.testing.assert_close(compiled, plain, rtol=1e-4, atol=1e-6)
    torch.compiler.reset()


def test_recomputing_and_compiling_exclude_each_other():
    with pytest.raises(UserError, match='compile_backbone'):
        make_pretrainer(compile_backbone=True, recompute=r'\d')


def test_features_are_those_of_the_teacher():
    model = make_pretrainer().eval()
    change(model.student)
    images = make_views(3)[0]
    feats = model(images)
    assert feats.shape == (3, DIM)
    torch.testing.assert_close(
        feats, model.teacher.backbone(images).mean((2, 3))
    )


def test_predict_puts_features_into_the_samples():
    model = make_pretrainer().eval()
    images, samples = make_views(3)[0], make_samples([0, 1, 2])
    predicted = model(images, samples, mode='predict')
    feats = torch.stack([sample.feature for sample in predicted])
    assert torch.equal(feats, model(images))
    assert [sample.pid for sample in predicted] == [0, 1, 2]


@pytest.mark.parametrize('mode', ['train', 'predict'])
def test_modes_that_cannot_be_served(mode):
    with pytest.raises(UserError, match=f"'{mode}'"):
        make_pretrainer()(make_views(2)[0], None, mode=mode)


def test_backbone_may_start_from_a_checkpoint(tmp_path):
    source = make_pretrainer(seed=3)
    torch.save(source.student.backbone.state_dict(), tmp_path / 'w.pth')
    model = make_pretrainer(backbone_checkpoint=str(tmp_path / 'w.pth'))
    assert states_equal(model.student.backbone, source.student.backbone)
    assert states_equal(model.teacher.backbone, source.student.backbone)
    assert not states_equal(model.student, source.student)


def test_head_takes_the_number_of_prototypes_of_the_projector():
    model = make_pretrainer()
    assert len(model.head.center) == model.student.projector.num_prototypes


def test_projector_takes_the_width_of_the_backbone():
    cfg = pretrainer_cfg()
    cfg['backbone'] = {'type': 'ColorStripeDescriptor'}
    del cfg['projector']['in_channels']
    model = MODELS.build(cfg)
    assert model.student.projector.mlp[0].in_features == 336


def test_config_stays_as_it_was():
    cfg = pretrainer_cfg()
    make_pretrainer()
    assert cfg == pretrainer_cfg()
