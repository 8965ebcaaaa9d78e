from copy import deepcopy
from dataclasses import asdict
from typing import Any

from mmengine.logging import print_log

from mmcion.registry import DENOISERS
from mmcion.structures import FeatureStore, TrackletTable
from mmcion.utils.checks import UserError, check_choice, check_interval

from .base_denoiser import BaseDenoiser
from .calibration import calibrate
from .functional import DISTANCE_ERROR

AUTO = 'auto'
Config = dict[str, Any]


def resolve_auto(
    stages: list[Config],
    calibration: Config,
    table: TrackletTable,
    features: FeatureStore,
) -> tuple[list[Config], Config]:
    """Replace 'auto' by numbers; calibrate only if a stage needs it.

    ``'auto'`` becomes the calibrated value that the level's ``calibrated``
    names, ``dict(auto=1.25)`` that multiple of it; what the level calibrates
    itself stays. Level 3 needs a multiple for its ``sigma``: an identity
    looks more different between videos than within a tracklet, and without
    labels that factor cannot be calibrated (ours).

    Returns:
        Configs with numbers, and arguments and outcome of the calibration,
        empty if there was none.
    """
    stages = deepcopy(stages)
    automatic = []
    for stage in stages:
        # an unknown type is refused when it is built
        level = DENOISERS.get(stage['type']) or BaseDenoiser
        fields = level.calibrated_by(stage)
        for name, value in stage.items():
            if (multiple := auto_multiple(value)) is None:
                continue
            kind = f'"auto" argument of {stage["type"]}'
            check_choice(kind, name, fields)
            if (field := fields[name]) is not None:
                automatic.append((stage, name, field, multiple))
    if not automatic:
        return stages, {}
    found = calibrate(table, features, **calibration)
    print_log(
        f'calibrated on {found.num_images} images and {found.num_pairs} '
        f'co-occurring pairs: sigma {found.sigma:.3f}, delta '
        f'{found.delta:.3f}',
        logger='current',
    )
    for stage, name, field, multiple in automatic:
        value = getattr(found, field)
        if value < DISTANCE_ERROR:
            raise UserError(
                f'{name} of {stage["type"]} cannot be "auto": the images that '
                f'it is calibrated on do not differ ({field} would be '
                f'{value:.2g}). Set it by hand in the config.'
            )
        # no cosine distance is larger than 2
        stage[name] = min(value * multiple, 2.0)
    return stages, {**calibration, **asdict(found)}


def auto_multiple(value: Any) -> float | None:
    """Return the multiple that an 'auto' value stands for, None if none."""
    if value == AUTO:
        return 1.0
    if not isinstance(value, dict) or set(value) != {AUTO}:
        return None
    check_interval('(0, inf)', **value)
    return float(value[AUTO])
