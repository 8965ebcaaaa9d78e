import pytest
import torch
from torch.nn.functional import mse_loss

from mmcion.models import sinkhorn
from tests.golden import golden_inputs, read_golden

CASE = read_golden('mmgl')['cases']['sinkhorn']
TRUTH = torch.eye(6, dtype=torch.float64)[
    torch.tensor(CASE['params']['orders'])
]


@pytest.mark.parametrize('temp', CASE['params']['temperatures'])
def test_golden(temp):
    logits = golden_inputs(CASE)['logits'].requires_grad_()
    expected = CASE['outputs'][f't{temp:g}']
    matrices = sinkhorn(logits / temp)
    loss = mse_loss(matrices, TRUTH)
    assert loss.item() == pytest.approx(expected['loss'], rel=1e-12)
    loss.backward()
    for found, name in ((matrices, 'matrix_0'), (logits.grad, 'grad_0')):
        torch.testing.assert_close(
            found[0].detach(),
            torch.tensor(expected[name], dtype=torch.float64),
            rtol=1e-9,
            atol=1e-14,
        )
    assert matrices.argmax(2).tolist() == expected['row_argmax']


def test_the_true_permutation_is_its_own_result():
    loss = mse_loss(sinkhorn(20 * TRUTH), TRUTH)
    assert loss.item() == pytest.approx(
        CASE['outputs']['loss_of_20_times_truth'], rel=1e-6
    )


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_rows_and_columns_sum_to_1(dtype):
    rng = torch.Generator().manual_seed(0)
    logits = torch.rand(200, 6, 6, generator=rng, dtype=dtype) * 4 - 2
    matrices = sinkhorn(logits)
    assert matrices.dtype == dtype
    assert (matrices.sum(1) - 1).abs().max() < 1e-6
    assert (matrices.sum(2) - 1).abs().max() < 1e-5


def test_large_logits_of_half_precision_stay_finite():
    logits = torch.full((1, 6, 6), -60000.0).half()
    logits[0].fill_diagonal_(60000)
    logits.requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        matrices = sinkhorn(logits)
    assert matrices.dtype == torch.float32
    assert torch.equal(matrices[0], torch.eye(6))
    matrices.square().sum().backward()
    assert logits.grad.isfinite().all()
