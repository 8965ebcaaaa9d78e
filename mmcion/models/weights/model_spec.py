"""ModelSpec: what a model file says about its network."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mmengine.config import Config

from mmcion.models.architectures import find_architecture, get_architecture
from mmcion.utils.checks import (
    UserError,
    check_image_size,
    check_interval,
    join_names,
)
from mmcion.version import __version__

from .network_config import (
    DEFAULT_SIZE,
    RESIZE,
    class_name,
    custom_modules,
    evaluation_pipeline,
    network_config,
    resize_pipeline,
    resize_rule,
)
from .sources import IMAGENET_MEAN, IMAGENET_STD, SOURCES

# what an evaluated image passes, and nothing else
_DESCRIBED = [
    'ReIDDataPreprocessor',
    'ReIDModel',
    'LoadImage',
    'ResizeImage',
    'PackReIDInputs',
]


@dataclass(frozen=True)
class ModelSpec:
    """The evaluated network, its images and where it comes from.

    All values are plain (JSON), so a model file is read without running code.

    Attributes:
        backbone: Config of the backbone, of any registered class.
        neck: Config of the neck, None without one.
        neck_feat: Feature of the neck that is the image's, see ``ReIDModel``.
        flip_test: Whether features of mirrored images are averaged in.
        custom_imports: Modules that register classes of the network.
        input_size: Height and width in pixels.
        resize: Rule by which images get this size.
        channel_order: Order of the channels.
        value_range: Range of values before mean and standard deviation.
        mean: Mean per channel; None if images are not normalised.
        std: Standard deviation per channel, or None.
        statistics: Images that ``mean`` and ``std`` are of, such as
            ``'ImageNet'``; ``'none'`` or ``'custom'``.
        threshold: Cosine ``similarity`` from which on two images count as the
            same person, its ``false_match_rate`` and more from calibration;
            None before it.
        source: Where the weights come from, in words.
        source_sha256: Hash of the file that they come from.
        training_config: Name of the config that trained them.
        mmcion_version: Version that wrote the file.
        notes: More about the weights, such as ``'remark'``.
    """

    backbone: dict[str, Any]
    neck: dict[str, Any] | None = None
    neck_feat: str = 'after'
    flip_test: bool = False
    custom_imports: Sequence[str] = ()
    input_size: Sequence[int] = DEFAULT_SIZE
    resize: dict[str, Any] = field(default_factory=lambda: dict(RESIZE))
    channel_order: str = 'RGB'
    value_range: Sequence[float] = (0, 1)
    mean: Sequence[float] | None = IMAGENET_MEAN
    std: Sequence[float] | None = IMAGENET_STD
    statistics: str = ''
    threshold: dict[str, Any] | None = None
    source: str = ''
    source_sha256: str | None = None
    training_config: str | None = None
    mmcion_version: str = __version__
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values and name the statistics."""
        check_image_size(self.input_size, 'input_size')
        for name, low in (('mean', -math.inf), ('std', 0)):
            values = getattr(self, name) or ()
            # so written, NaN fails too
            good = len(values) == 3 and all(low < v < math.inf for v in values)
            if not good and (self.mean, self.std) != (None, None):
                found = getattr(self, name)
                what = f'three finite numbers above {low}, of R, G and B'
                raise UserError(f'{name} must be {what}; got {found}.')
        if self.threshold is not None:
            cosine = self.threshold.get('similarity')
            check_interval('[-1, 1]', similarity=cosine)
            rate = self.threshold.get('false_match_rate')
            check_interval('[0, 1]', false_match_rate=rate)
        # always those of mean and std, so that a file cannot say others
        known: dict[Any, str] = {
            (each.mean, each.std): each.statistics for each in SOURCES.values()
        }
        own = tuple(x and tuple(x) for x in (self.mean, self.std))
        known[None, None] = 'none'
        object.__setattr__(self, 'statistics', known.get(own, 'custom'))
        try:
            json.dumps(asdict(self))
        except TypeError as error:
            raise UserError(f'values must be plain: {error}.') from error

    @classmethod
    def from_architecture(cls, name: str, **options: Any) -> ModelSpec:
        """Describe a bare backbone of the zoo.

        Args:
            name: See ``get_architecture``.
            options: Further attributes.
        """
        return cls(get_architecture(name).backbone, **options)

    @classmethod
    def from_config(cls, cfg: Config, **options: Any) -> ModelSpec:
        """Describe the network that a run evaluates.

        Args:
            cfg: Config of the run.
            options: Further attributes, or others than those of the config.

        Raises:
            UserError: If the network is no ``ReIDModel``, or its images are
                made otherwise than by a resize and ``ReIDDataPreprocessor``.
        """
        network = network_config(cfg)
        preprocessor = network.pop('data_preprocessor', None) or {}
        pipeline = evaluation_pipeline(cfg)
        # What a file does not say must be the same for all, so that it can be
        # used without this toolbox.
        parts = {'type': 'ReIDDataPreprocessor', **preprocessor}, network
        found = [class_name(part) for part in (*parts, *pipeline)]
        if found != _DESCRIBED:
            raise UserError(
                f'a model file describes {join_names(_DESCRIBED)}; this '
                f'network has {join_names(found)}.'
            )
        del network['type']
        own = {
            'custom_imports': custom_modules(cfg),
            'input_size': pipeline[1].get('size', DEFAULT_SIZE),
            'resize': resize_rule(pipeline),
            'mean': preprocessor.get('mean', IMAGENET_MEAN),
            'std': preprocessor.get('std', IMAGENET_STD),
        }
        return cls(**{**network, **own, **options})

    @property
    def arch(self) -> str | None:
        """Name of the backbone among the 32 of the zoo, None for others."""
        return find_architecture(self.backbone)

    @property
    def pipeline(self) -> list[dict[str, Any]]:
        """Transforms of an image file."""
        return resize_pipeline(self.input_size, self.resize['interpolation'])

    def model_config(self) -> dict[str, Any]:
        """Return the config of the network for ``MODELS.build``."""
        return {
            'type': 'mmcion.ReIDModel',
            'backbone': self.backbone,
            'neck': self.neck,
            'neck_feat': self.neck_feat,
            'flip_test': self.flip_test,
            'data_preprocessor': {
                'type': 'mmcion.ReIDDataPreprocessor',
                'mean': self.mean,
                'std': self.std,
            },
        }
