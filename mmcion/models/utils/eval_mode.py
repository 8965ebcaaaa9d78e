from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakKeyDictionary

from torch import nn

_LOCK = threading.Lock()
# by network: number of blocks that it is in, modules that were in train mode
_IN_EVAL: WeakKeyDictionary[nn.Module, tuple[int, list[nn.Module]]]
_IN_EVAL = WeakKeyDictionary()


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[None]:
    """Put a network into eval mode for a block, and restore every module.

    Several threads may be in such blocks of one network at a time: the last
    one that leaves restores it.
    """
    with _LOCK:
        blocks, training = _IN_EVAL.get(network, (0, []))
        # train() of a network may be its own, as with frozen parts
        changed = [module for module in network.modules() if module.training]
        for module in changed:
            module.training = False
        _IN_EVAL[network] = blocks + 1, training + changed
    try:
        yield
    finally:
        with _LOCK:
            blocks, training = _IN_EVAL.pop(network)
            if blocks > 1:
                _IN_EVAL[network] = blocks - 1, training
            else:
                for module in training:
                    module.training = True
