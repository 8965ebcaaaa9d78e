"""Build a module on top of another one."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError


def build_on(previous: nn.Module, cfg: dict[str, Any], name: str) -> Any:
    """Build a module that takes the features of a backbone or a neck.

    Their ``num_features`` become its ``in_channels``, which are only needed
    in its config after backbones of other packages. ``name`` is where the
    config is, such as ``'model.neck'``.
    """
    width: Any = getattr(previous, 'num_features', None)
    if not isinstance(width, int):  # some backbones list those of all stages
        return MODELS.build(cfg)
    if cfg.get('in_channels', width) != width:
        given = cfg['in_channels']
        raise UserError(f'{name}.in_channels is {given}, must be {width}.')
    return MODELS.build(cfg, default_args={'in_channels': width})
