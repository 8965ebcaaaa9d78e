"""Find one network's tensors in a checkpoint, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from mmcion.utils.checks import UserError

# where checkpoints keep their weights: mmengine and most others, fast-reid,
# plain PyTorch; mmengine's EMAHook stores the average as `state_dict`, which
# is what we want
_CONTAINERS = ('state_dict', 'model', 'model_state_dict', 'net', 'network')
_ROLES = ('teacher', 'student')
# what DistributedDataParallel and torch.compile put before names; the latter
# anywhere, the former between these
_COMPILED = '_orig_mod'
_PARALLEL = 'module'
_OUTER = {_PARALLEL, *_ROLES, 'model', 'encoder', 'backbone', 'base', 'neck'}
# how programs name the network that they train
WHOLE_PREFIXES = ('model.', 'encoder.')
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
        file_names: Names in the checkpoint by those in the network.
        given: Names of all tensors in the checkpoint.
    """

    tensors: dict[str, Tensor]
    prefix: str
    role: str | None
    file_names: dict[str, str]
    given: list[str]

    def without(self, prefix: str) -> Selection:
        """Return the tensors below another prefix, under their short names.

        None of them if there is no such prefix.
        """
        names = {
            name.removeprefix(prefix): name
            for name in self.tensors
            if name.startswith(prefix)
        }
        return replace(
            self,
            tensors={new: self.tensors[old] for new, old in names.items()},
            file_names={
                new: self.file_names[old] for new, old in names.items()
            },
            prefix=self.prefix + prefix,
        )


def select(
    checkpoint: Any, part: str = 'backbone', role: str | None = None
) -> Selection:
    """Select a backbone, a neck or a whole network from a checkpoint.

    Understands checkpoints of this toolbox (``teacher.backbone.*``,
    ``student.backbone.*``, ``backbone.*``, ``neck.*``), CION's released ones
    (``{'teacher': {'module.backbone.*': ...}}``) and bare state dicts, which
    are taken for a backbone. Prefixes of DistributedDataParallel and
    ``torch.compile`` are dropped. A neck that is missing has no tensors.

    Args:
        checkpoint: Content of a file, see ``read_checkpoint``.
        part: ``'backbone'``, ``'neck'``, or ``''`` for all tensors.
        role: ``'teacher'`` or ``'student'`` of a pre-training; if None, the
            one that the checkpoint names as released, else the teacher, or
            the student where there is no teacher. Ignored for checkpoints
            that have neither.

    Raises:
        UserError: If the checkpoint is no dictionary or has only the other
            role.
    """
    if not isinstance(checkpoint, Mapping):
        kind = type(checkpoint).__name__
        raise UserError(f'a checkpoint must hold a dictionary; got a {kind}.')
    nested = [checkpoint.get(key) for key in _CONTAINERS]
    state = dict(
        next((m for m in nested if isinstance(m, Mapping)), checkpoint)
    )
    # CION nests a dictionary per network, this toolbox has one flat one
    for each in _ROLES:
        network = checkpoint.get(each)
        if isinstance(network, Mapping):
            state |= {f'{each}.{key}': val for key, val in network.items()}
    given = [name for name in state if isinstance(name, str)]
    # names in the checkpoint by those without wrappers
    plain = {_plain_name(name): name for name in given}
    roles = [r for r in _ROLES if any(n.startswith(f'{r}.') for n in plain)]
    if role and roles and role not in roles:
        raise UserError(f'it has no {role}, but a {roles[0]}.')
    meta = checkpoint.get('meta')
    released = meta.get('released') if isinstance(meta, Mapping) else None
    default = released if released in roles else next(iter(roles), None)
    role = (role or default) if roles else None
    prefixes = [
        outer + whole + name
        for outer in ([f'{role}.', ''] if role else [''])
        for name in _NAMES[part]
        # before a backbone or neck it is a wrapper, alone it may be a name
        for whole in (('', *WHOLE_PREFIXES) if name else ('',))
    ]
    prefix = next(
        (p for p in prefixes if any(n.startswith(p) for n in plain)),
        prefixes[-1],
    )
    file_names = {
        short.removeprefix(prefix): name
        for short, name in plain.items()
        if short.startswith(prefix) and isinstance(state[name], Tensor)
    }
    # as it is in the checkpoint, unless a wrapper stands between
    first = next(iter(file_names.items()), ('', ''))
    whole_name = first[0] and first[1].endswith(first[0])
    return Selection(
        {short: state[name] for short, name in file_names.items()},
        first[1].removesuffix(first[0]) if whole_name else prefix,
        role,
        file_names,
        [name for name in given if isinstance(state[name], Tensor)],
    )


def _plain_name(name: str) -> str:
    """Return a name without what wraps a network for training."""
    parts = [part for part in name.split('.') if part != _COMPILED]
    # the number of parts before the network's own: [module, backbone], conv1
    outer = next((i for i, p in enumerate(parts) if p not in _OUTER), 0)
    parts[:outer] = [part for part in parts[:outer] if part != _PARALLEL]
    return '.'.join(parts)
