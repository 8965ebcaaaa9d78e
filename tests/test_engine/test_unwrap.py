from types import SimpleNamespace

from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from mmcion.engine.unwrap import unwrapped_model


@MODEL_WRAPPERS.register_module(force=True)
class Wrapper(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module


def test_model_comes_without_its_wrapper():
    model = nn.Linear(1, 1)
    for runner in (
        SimpleNamespace(model=model),
        SimpleNamespace(model=Wrapper(model)),
    ):
        assert unwrapped_model(runner) is model
