"""Origin: the images and the network that weights were trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError
from mmcion.utils.config_check import arguments

from .network_config import class_name, is_pretrainer, portable_config
from .sources import IMAGENET_MEAN, IMAGENET_STD
from .stored_config import parse_config

# Options that change the function of a network, but hardly ever the shape of
# a tensor. Others show in the tensors, or are for training alone.
_STRUCTURE = {
    *('arch', 'depth', 'strides', 'dilations', 'style', 'deep_stem'),
    *('avg_down', 'inner_channels', 'non_local', 'stem_relu'),
}
Statistics = tuple[Any, Any]  # mean and standard deviation, or None twice


@dataclass(frozen=True)
class Origin:
    """What weights were trained with; None for what is not known.

    Attributes:
        backbone: Config of the backbone.
        statistics: Mean and standard deviation of the images, per channel.
        fingerprint: Data, weights, options and seed of their training.
        any_last_stride: Whether another last stride is no other network:
            pre-trained with 2, as LUP, and fine-tuned with 1.
    """

    backbone: Mapping[str, Any] | None = None
    statistics: Statistics | None = None
    fingerprint: dict[str, Any] | None = None
    any_last_stride: bool = False

    def require(self, own: Origin, *, adapts: bool = False) -> None:
        """Raise ``UserError`` where a network differs in what both know.

        Args:
            own: Network that takes the weights.
            adapts: Whether it takes those of another class.
        """
        if self.statistics and own.statistics:
            before, now = map(_plain, (self.statistics, own.statistics))
            if before != now:
                raise UserError(
                    f'its images were normalised by mean and std {before}, '
                    f'those of this config are by {now}: set '
                    f'model.data_preprocessor.mean and .std. A training that '
                    f'changes them on purpose has model.other_statistics=True.'
                )
        if not self.backbone or not own.backbone:
            return
        # the same class; below it, if it is taken into another one
        kind = class_name(self.backbone)
        parts = list(_parts(own.backbone)) if adapts else [own.backbone]
        part = next((p for p in parts if class_name(p) == kind), None)
        defaults = arguments(MODELS.get(part['type'])) if part else None
        before, now = (
            _structure({**(defaults or {}), **each}, self.any_last_stride)
            for each in (self.backbone, part or {})
        )
        if not any(before.get('non_local', [True])):
            # blocks that are new begin as identity, whatever is in them
            for options in (before, now):
                options.pop('non_local', None)
                options.pop('inner_channels', None)
        if (part is None and not adapts) or (part and before != now):
            raise UserError(
                f'it is of the backbone {dict(self.backbone)}, that of this '
                f'config is {dict(own.backbone)}.'
            )


def find_origin(checkpoint: Any) -> Origin:
    """Return what the content of a checkpoint says of its training.

    Model files and checkpoints of this toolbox do; of others nothing is
    known.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    if not isinstance(meta, Mapping):
        return Origin()
    if 'mmcion_version' in meta:  # a model file
        fingerprint = meta.get('notes', {}).get('fingerprint')
        return Origin(
            meta['backbone'],
            (meta['mean'], meta['std']),
            fingerprint,
            # a backbone alone is not fine-tuned
            any_last_stride=not meta.get('neck'),
        )
    text = meta.get('cfg')
    try:
        cfg = parse_config(text) if isinstance(text, str) else {}
    except UserError:  # not of plain values
        cfg = {}
    model = portable_config(cfg.get('model') or {'type': ''})
    origin = Origin()
    if class_name(model) == 'ReIDModel' or is_pretrainer(model):
        origin = model_origin(
            model.get('backbone') or {}, model.get('data_preprocessor')
        )
    return replace(
        origin,
        fingerprint=meta.get('fingerprint'),
        any_last_stride=is_pretrainer(model),
    )


def model_origin(
    backbone: Mapping[str, Any],
    data_preprocessor: Mapping[str, Any] | None,
    *,
    other_statistics: bool = False,
) -> Origin:
    """Return what the config of a ``ReIDModel`` or a pre-trainer says.

    Statistics are not stated where ``other_statistics`` are allowed.
    """
    images = {
        'type': 'ReIDDataPreprocessor',
        'mean': IMAGENET_MEAN,
        'std': IMAGENET_STD,
        **(data_preprocessor or {}),
    }
    is_known = class_name(images).endswith('ReIDDataPreprocessor')
    if other_statistics or not is_known:
        return Origin(backbone)
    return Origin(backbone, (images['mean'], images['std']))


def _structure(
    backbone: Mapping[str, Any], any_last_stride: bool
) -> dict[str, Any]:
    """Return the options that must be equal."""
    found = {k: _plain(v) for k, v in backbone.items() if k in _STRUCTURE}
    if any_last_stride and isinstance(found.get('strides'), list):
        found['strides'] = found['strides'][:-1]
    return found


def _plain(value: Any) -> Any:
    """Return tuples as lists, which is how files keep them."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _parts(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a component's config and those of the components in it."""
    if 'type' in config:
        yield config
    for value in config.values():
        if isinstance(value, Mapping):
            yield from _parts(value)
