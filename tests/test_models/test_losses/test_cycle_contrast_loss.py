import pytest
import torch
from torch.nn.functional import normalize

from mmcion.models import cycle_contrast_loss
from mmcion.utils.checks import UserError
from tests.golden import golden_inputs, read_golden

CASE = read_golden('mmgl')['cases']['cycle_contrast']
OUTPUTS = CASE['outputs']


def banks():
    inputs = golden_inputs(CASE)
    return [normalize(inputs[name]) for name in ('rgb', 'ir')]


def plain(visible, thermal, asking, excluded=(), temp=0.07):
    """The loss by loops; ``excluded`` are pairs (query, bank, row)."""
    found = [[], []]
    for number, query in enumerate(asking):
        for m, bank in enumerate((visible, thermal)):
            rows = [
                r for r in range(len(bank)) if (number, m, r) not in excluded
            ]
            scores = torch.stack([query @ bank[r] for r in rows]) / temp
            mix = (scores.softmax(0)[:, None] * bank[rows]).sum(0)
            found[m].append(mix / mix.norm())
    total = 0
    for one, two in (found, found[::-1]):
        for i, anchor in enumerate(one):
            scores = torch.stack([anchor @ other for other in two]) / temp
            total = total - scores.log_softmax(0)[i]
    return total / 2 / len(asking)


def test_golden():
    visible, thermal = banks()
    other_order = thermal[[3, 0, 5, 1, 4, 2]]
    for name, loss in (
        ('renormalised', cycle_contrast_loss(visible, thermal)),
        ('plain', cycle_contrast_loss(visible, thermal, renormalize=False)),
        ('equal_banks_renormalised', cycle_contrast_loss(visible, visible)),
        ('bank_order_changed', cycle_contrast_loss(visible, other_order)),
    ):
        assert loss.item() == pytest.approx(OUTPUTS[name], rel=1e-12), name


@pytest.mark.parametrize('queries', ['visible', 'thermal', 'both'])
@pytest.mark.parametrize('exclude_self', [False, True])
def test_equals_loops(queries, exclude_self):
    visible, thermal = banks()
    thermal = thermal[:4]  # the banks may differ in size
    parts = {
        'visible': [(0, row, part) for row, part in enumerate(visible)],
        'thermal': [(1, row, part) for row, part in enumerate(thermal)],
    }
    parts['both'] = parts['visible'] + parts['thermal']
    chosen = parts[queries]
    excluded = {(n, m, row) for n, (m, row, _) in enumerate(chosen)}
    expected = plain(
        visible,
        thermal,
        [part for *_, part in chosen],
        excluded if exclude_self else (),
    )
    loss = cycle_contrast_loss(
        visible, thermal, queries=queries, exclude_self=exclude_self
    )
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize('exclude_self', [False, True])
@pytest.mark.parametrize('detach_bank', [False, True])
def test_gradient(exclude_self, detach_bank):
    options = {'exclude_self': exclude_self, 'detach_bank': detach_bank}
    visible, thermal = (bank.requires_grad_() for bank in banks())
    loss = cycle_contrast_loss(visible, thermal, **options)
    loss.backward()
    assert visible.grad.isfinite().all() and visible.grad.any()
    if not detach_bank:  # which no finite difference knows
        assert torch.autograd.gradcheck(
            lambda *x: cycle_contrast_loss(*x, **options), banks_of_leaves()
        )


def banks_of_leaves():
    return [bank.detach().requires_grad_() for bank in banks()]


def test_detached_bank_gets_no_gradient():
    visible, thermal = banks_of_leaves()
    loss = cycle_contrast_loss(
        visible, thermal, queries='visible', detach_bank=True
    )
    loss.backward()
    # it takes part in the scores only
    whole = cycle_contrast_loss(
        *(both := banks_of_leaves()), queries='visible'
    )
    whole.backward()
    assert loss.item() == whole.item()
    assert not torch.allclose(thermal.grad, both[1].grad)


def test_half_precision_is_computed_in_float32():
    visible, thermal = (bank.float() for bank in banks())
    with torch.autocast('cpu', torch.bfloat16):
        loss = cycle_contrast_loss(visible, thermal)
    assert loss.item() == pytest.approx(OUTPUTS['renormalised'], rel=1e-5)


def test_unknown_queries_are_refused():
    with pytest.raises(UserError, match="'rgb'"):
        cycle_contrast_loss(*banks(), queries='rgb')
