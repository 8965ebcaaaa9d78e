"""Find one network's tensors in a checkpoint, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mmcion.utils.checks import UserError

# where checkpoints keep their weights: mmengine and most others, fast-reid;
# mmengine's EMAHook stores the average as `state_dict`, which is what we want
_CONTAINERS = ('state_dict', 'model')
_ROLES = ('teacher', 'student')
# how checkpoints name each part, the most specific first; a backbone may also
# be alone, without a name
_NAMES = {
    'backbone': ('backbone.', 'base.', ''),
    'neck': ('neck.',),
    '': ('',),
}


@dataclass(frozen=True)
class Selection:
    """Tensors of one network.

    Attributes:
        tensors: Tensors by their names in the network.
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
    are taken for a backbone. A neck that is missing has no tensors.

    Args:
        checkpoint: Content of a file, see ``read_checkpoint``.
        part: ``'backbone'``, ``'neck'``, or ``''`` for all tensors.
        role: ``'teacher'`` or ``'student'`` of a pre-training; if None, the
            teacher, or the student where there is no teacher. Ignored for
            checkpoints that have neither.

    Raises:
        UserError: If the checkpoint is no dictionary or has only the other
            role.
    """
    if not isinstance(checkpoint, Mapping):
        kind = type(checkpoint).__name__
        raise UserError(
            f'a checkpoint must hold a dictionary of tensors; got a {kind}.'
        )
    nested = [checkpoint.get(key) for key in _CONTAINERS]
    state = dict(
        next((m for m in nested if isinstance(m, Mapping)), checkpoint)
    )
    # CION nests a dictionary per network, this toolbox has one flat one
    for each in _ROLES:
        network = checkpoint.get(each)
        if isinstance(network, Mapping):
            state |= {f'{each}.{key}': val for key, val in network.items()}
    names = [name for name in state if isinstance(name, str)]
    roles = [r for r in _ROLES if any(n.startswith(f'{r}.') for n in names)]
    if role and roles and role not in roles:
        raise UserError(f'it has no {role}, but a {roles[0]}.')
    role = (role or roles[0]) if roles else None
    prefixes = [
        outer + wrapper + name
        for outer in ([f'{role}.', ''] if role else [''])
        for name in _NAMES[part]
        for wrapper in ('module.', '')  # DDP's
    ]
    prefix = next(
        (p for p in prefixes if any(n.startswith(p) for n in names)),
        prefixes[-1],
    )
    tensors = {
        name.removeprefix(prefix): state[name]
        for name in names
        if name.startswith(prefix) and isinstance(state[name], Tensor)
    }
    return Selection(tensors, prefix, role)
