"""Load weights into a network: read, select, match, fill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError, name_in_errors
from mmcion.utils.read_checkpoint import read_checkpoint

from .match import MatchReport, match
from .origin import Origin, find_origin
from .select import WHOLE_PREFIXES, select
from .sources import source_hint

# what to do if a part does not fit
_HINTS = {
    '': '',
    'backbone': 'Is it of another architecture?',
    'neck': 'Take the config of its training, with model.neck as it was '
    'there, or evaluate the backbone by itself with a config of '
    'configs/eval/zero-shot_*.py.',
}


def load_part(
    network: nn.Module,
    checkpoint: str | Path,
    part: str = 'backbone',
    *,
    role: str | None = None,
    own: Origin | None = None,
    adapt: bool = True,
) -> MatchReport:
    """Load a backbone or a neck from a checkpoint.

    A network with further parts on top of a published one starts from the
    weights of that one by its method ``adapt_weights(tensors)``. It returns
    tensors by the network's own names, and leaves those that have them alone.

    Args:
        network: Backbone or neck, filled in place.
        checkpoint: File, read without running code from it.
        part: ``'backbone'`` or ``'neck'``.
        role: See ``select``.
        own: What the network is and is given, to compare with what the file
            says of its training; None to compare tensors alone.
        adapt: Whether to use ``adapt_weights``; a trained network must not.

    Raises:
        UserError: If the file does not hold exactly this network, or it was
            trained with other statistics or another architecture.
    """
    content = read_checkpoint(checkpoint)
    origin = find_origin(content)
    with name_in_errors(checkpoint):
        if own is not None:
            adapts = adapt and hasattr(network, 'adapt_weights')
            origin.require(own, adapts=adapts)
        report = _fill(network, content, part, role, adapt)
    report = replace(
        report,
        file=str(Path(checkpoint).expanduser()),
        fingerprint=origin.fingerprint,
    )
    print_log(f'{checkpoint}: loaded {report}', logger='current')
    return report


def load_weights(
    model: nn.Module, checkpoint: Any, *, role: str | None = None
) -> None:
    """Load a whole model from the content of a checkpoint.

    Backbone and neck of a ``ReIDModel``, each by itself; any other model takes
    the state dict as it is. For ``role`` see ``select``. With a neck it is a
    trained network, whose backbone does not begin with weights of another.
    """
    # by the registry, because ReIDModel itself imports this module
    if not isinstance(model, MODELS.get('mmcion.ReIDModel')):
        _fill(model, checkpoint, '', role)
        return
    _fill(model.backbone, checkpoint, 'backbone', role, model.neck is None)
    if model.neck is not None:
        _fill(model.neck, checkpoint, 'neck', role)


def _fill(
    network: Any,
    checkpoint: Any,
    part: str,
    role: str | None,
    adapt: bool = True,
) -> MatchReport:
    """Select, match and load one network."""
    chosen = select(checkpoint, part, role)
    own = {key: value.shape for key, value in network.state_dict().items()}
    # a prefix such as model. may be a wrapper's, or a name in the network
    choices = [chosen, *map(chosen.without, WHOLE_PREFIXES)]
    if adapt and hasattr(network, 'adapt_weights'):
        choices = [
            replace(each, tensors=network.adapt_weights(each.tensors))
            for each in choices
        ]
    chosen, report = max(
        ((each, match(own, each.tensors, name='')) for each in choices),
        key=lambda pair: pair[1].agreement,
    )
    name = f'the {part or "model"} {type(network).__name__}'
    if chosen.prefix:
        name += f' under {chosen.prefix!r}'
    hint = report.hint or source_hint(chosen.tensors, own) or _HINTS[part]
    report = replace(
        report,
        name=name,
        hint=hint,
        # names that a network has adapted are not in the file
        unexpected=[chosen.file_names.get(n, n) for n in report.unexpected],
        given=chosen.given,
    )
    if not report.fits:
        raise UserError(str(report))
    state = report.take(chosen.tensors)
    for key, tensor in state.items():
        if not tensor.isfinite().all():  # diverged, or damaged
            name = chosen.file_names.get(key, key)
            raise UserError(f'{name} has NaN or infinity.')
    # strict: these are all of its names, so nothing stays at random
    network.load_state_dict(state)
    return report
