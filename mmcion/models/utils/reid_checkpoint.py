"""Judge a backbone together with the neck that was trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mmcion.utils.compat import load_checkpoint_safely

from .weight_io import first_names

_PREFIX = 'neck.'


def use_checkpoint(model: dict[str, Any], checkpoint: str | Path) -> None:
    """Let the config of a model take all that a test needs from a file.

    That is the backbone and, if the config has one, the neck. The classifier
    of the training identities is not needed.

    Args:
        model: config of ``ReIDModel``, changed in place.
        checkpoint: of ``tools/train.py`` with this config; without a neck,
            any that ``load_backbone`` understands.
    """
    model['backbone_checkpoint'] = str(checkpoint)
    if model.get('neck') is not None:
        model['neck_checkpoint'] = str(checkpoint)


def load_neck(neck: nn.Module, checkpoint: str | Path) -> None:
    """Load the neck of a checkpoint of ``ReIDModel``.

    Args:
        neck: filled in place.
        checkpoint: file; loaded without running code from it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it has no neck, or another one; says what differs.
    """
    found = _neck_tensors(load_checkpoint_safely(checkpoint))
    wanted = neck.state_dict()
    if not found:
        raise ValueError(
            f'{checkpoint} has no neck, but model.neck of the config asks '
            f'for one: give a checkpoint of tools/train.py with this config, '
            f'or judge the backbone by itself with a config of '
            f'configs/eval/zero-shot_*.py.'
        )
    amiss = [
        f'{_PREFIX}{name} is {_shape(found.get(name))} in the checkpoint and '
        f'{_shape(wanted.get(name))} in the config'
        for name in sorted(wanted.keys() | found.keys())
        if _shape(found.get(name)) != _shape(wanted.get(name))
    ]
    if amiss:
        raise ValueError(
            f'{checkpoint} has another neck: {first_names(amiss)}. Test with '
            f'the config of its training, or set model.neck.in_channels and '
            f'model.neck.embed_dims as they were there.'
        )
    neck.load_state_dict(found)


def _neck_tensors(checkpoint: Any) -> dict[str, Tensor]:
    state = checkpoint
    if isinstance(checkpoint, Mapping):
        state = checkpoint.get('state_dict', checkpoint)
    if not isinstance(state, Mapping):
        return {}
    return {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in state.items()
        if isinstance(name, str) and name.startswith(_PREFIX)
    }


def _shape(tensor: Tensor | None) -> str:
    return 'absent' if tensor is None else str(tuple(tensor.shape))
