"""Find one network's tensors in a checkpoint, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmcion.utils.checks import UserError

# Where checkpoints keep their weights: `state_dict` by mmengine and most
# others, `model` by fast-reid.
# mmengine's EMAHook stores the average as `state_dict`, which is what we want.
_CONTAINERS = ('state_dict', 'model')
_ROLES = ('teacher', 'student')
# before the names of a backbone that is alone, the most specific first
_BARE_PREFIXES = ('module.base.', 'base.', 'module.', '')


@dataclass(frozen=True)
class Selection:
    """Tensors of one network.

    Attributes:
        tensors: By their names in the network.
        prefix: What stood before the names in the checkpoint.
        role: ``'teacher'`` or ``'student'`` of a pre-training, else None.
    """

    tensors: dict[str, Tensor]
    prefix: str
    role: str | None


def select(
    checkpoint: Any, part: str = 'backbone', role: str | None = None
) -> Selection:
    """Select a backbone, a neck or a whole network from a checkpoint.

    Understands checkpoints of this toolbox (``teacher.backbone.*``,
    ``student.backbone.*``, ``backbone.*``, ``neck.*``), CION's released ones
    (``{'teacher': {'module.backbone.*': ...}}``) and bare state dicts, which
    are taken for a backbone.

    Args:
        checkpoint: Content of a file, see ``read_checkpoint``.
        part: ``'backbone'``, ``'neck'``, or ``''`` for all tensors.
        role: ``'teacher'`` or ``'student'`` of a pre-training; if None, the
            teacher, or the student where there is no teacher. Ignored for
            checkpoints that have neither.

    Returns:
        The selection; a neck without tensors if there is none.

    Raises:
        UserError: If the checkpoint is not a dictionary, or has only the
            other role.
    """
    if not isinstance(checkpoint, Mapping):
        raise UserError(
            f'a checkpoint must hold a dictionary of tensors; got a '
            f'{type(checkpoint).__name__}.'
        )
    state = _container(checkpoint, _CONTAINERS)
    # CION nests a dictionary per network, this toolbox has one flat one
    roles = [
        each
        for each in _ROLES
        if isinstance(checkpoint.get(each), Mapping)
        or any(name.startswith(f'{each}.') for name in state)
    ]
    if role and roles and role not in roles:
        raise UserError(f'it has no {role}, but a {roles[0]}.')
    role = (role or roles[0]) if roles else None
    prefixes = [f'module.{part}.', f'{part}.'] if part else ['module.', '']
    if part == 'backbone':
        prefixes += _BARE_PREFIXES
    if role:
        state = _container(checkpoint, (role, *_CONTAINERS))
        prefixes = [f'{role}.{prefix}' for prefix in prefixes[:2]] + prefixes
    prefix = next(
        (
            each
            for each in prefixes
            if any(name.startswith(each) for name in state)
        ),
        prefixes[-1],
    )
    tensors = {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix) and isinstance(tensor, Tensor)
    }
    return Selection(tensors, prefix, role)


def _container(checkpoint: Mapping, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the first of some nested dictionaries, else the outer one."""
    found = (checkpoint[key] for key in keys if key in checkpoint)
    state = next(
        (each for each in found if isinstance(each, Mapping)), checkpoint
    )
    return {key: val for key, val in state.items() if isinstance(key, str)}
