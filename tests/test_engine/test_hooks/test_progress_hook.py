from types import SimpleNamespace

from mmcion.engine.hooks import ProgressHook


def test_bar_counts_the_batches(capfd):
    runner = SimpleNamespace(test_dataloader=range(3))
    hook = ProgressHook()
    hook.before_test(runner)
    for batch in range(3):
        hook.after_test_iter(runner, batch)
    hook.after_test_epoch(runner, {})
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert 'test: 100%' in last and '3/3' in last
