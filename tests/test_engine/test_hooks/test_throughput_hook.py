"""What a run shows of it is in tests/test_training.py."""

from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from mmcion.engine import ThroughputHook


@pytest.fixture
def runner(request):
    return SimpleNamespace(
        message_hub=MessageHub.get_instance(request.node.name),
        log_processor=SimpleNamespace(window_size=3),
    )


def rates(runner, batches):
    """Rates after iterations of so many images and seconds."""
    hook, hub = ThroughputHook(), runner.message_hub
    hook.before_train(runner)
    for index, (images, seconds) in enumerate(batches):
        hub.update_scalar('train/time', seconds)
        batch = {'inputs': [None] * 10, 'data_samples': [None] * images}
        hook.after_train_iter(runner, index, batch)
    return hub.get_scalar('train/images_per_second').data[0].tolist()


def test_images_of_the_window_are_divided_by_its_seconds(runner):
    batches = [(4, 1.0), (4, 3.0), (8, 4.0), (8, 1.0)]
    assert rates(runner, batches) == [4, 8 / 4, 16 / 8, 20 / 8]


def test_images_of_all_ranks_count(runner, monkeypatch):
    monkeypatch.setattr(
        'mmcion.engine.hooks.throughput_hook.get_world_size', lambda: 4
    )
    assert rates(runner, [(6, 2.0)]) == [12]
