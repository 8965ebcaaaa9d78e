import torch
from torch.nn.functional import normalize

from mmcion.models.losses import queue_contrast_loss
from tests.golden import golden_inputs, read_golden

GOLDEN = read_golden('pretraining')


def test_golden_loss_of_moco():
    case = GOLDEN['moco_step']
    x = golden_inputs(case)
    loss = queue_contrast_loss(x['q'], x['k'], x['queue'], 0.1)
    expected = torch.tensor(case['outputs']['loss'], dtype=torch.float64)
    torch.testing.assert_close(loss, expected)


def golden_pnl():
    """Inputs of PNL's case, with its queries."""
    case = GOLDEN['pnl_step']
    x, params = golden_inputs(case), case['params']
    q = x['prototypes'][params['near']] + x['q_noise']
    x['q'] = q / q.square().sum(1, keepdim=True).sqrt()
    return x, params, case['outputs']


def test_golden_losses_of_pnl():
    x, params, outputs = golden_pnl()
    given = x['q'], x['k'], x['queue'], params['T']
    pids = torch.tensor(params['labels'])
    queue_pids = torch.tensor(params['queue_ids'])
    for name, options in (
        ('instance_loss', {}),
        ('label_guided_loss', {'pids': pids, 'queue_pids': queue_pids}),
    ):
        expected = torch.tensor(outputs[name], dtype=torch.float64)
        loss = queue_contrast_loss(*given, **options)
        torch.testing.assert_close(loss, expected, msg=name)


def test_half_precision_loses_nothing():
    torch.manual_seed(0)
    q, k, queue = (normalize(torch.randn(n, 16)) for n in (4, 4, 50))
    expected = queue_contrast_loss(q, k, queue, 0.07)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = queue_contrast_loss(q, k, queue, 0.07)
    assert loss == expected and loss.dtype == torch.float32


def test_gradient_reaches_queries_only():
    torch.manual_seed(0)
    q, k, queue = (
        normalize(torch.randn(n, 4)).double().requires_grad_()
        for n in (3, 3, 5)
    )
    queue_contrast_loss(q, k, queue.detach(), 0.1).backward()
    assert q.grad.any() and k.grad is None
