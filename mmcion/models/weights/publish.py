"""Make a model file of a checkpoint of training."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmcion.utils.checks import UserError, name_in_errors
from mmcion.utils.io import hash_file

from .model_file import read_model, save_model_file
from .model_spec import ModelSpec
from .origin import Origin, find_origin
from .select import select
from .stored_config import stored_config


def publish(
    checkpoint: str | Path,
    out: str | Path,
    *,
    config: Config | None = None,
    arch: str | None = None,
    role: str | None = None,
    custom_imports: bool = False,
    **images: Any,
) -> Path:
    """Write the network that a training evaluates; return the model file.

    Optimiser, head and the other network of a pre-training are left out. A
    neck stays.

    Args:
        checkpoint: File, read without running code from it.
        out: Model file; the date and a hash are added to its name.
        config: Config of the training; if None, the one in the checkpoint.
        arch: Architecture of the zoo, for a checkpoint without a config.
        role: See ``select``.
        custom_imports: See ``stored_config``.
        images: ``input_size``, ``mean`` and ``std`` of ``ModelSpec``; None
            for those of the config.

    Raises:
        UserError: If the checkpoint does not say what network it is of, or
            the network cannot be described.
    """
    out, checkpoint = Path(out), Path(checkpoint)
    content, spec = read_model(checkpoint)
    if spec is not None:
        raise UserError(f'{checkpoint} is a model file already.')
    options = {key: val for key, val in images.items() if val is not None}
    images_given = {'mean', 'std'} & {*options}
    options['source_sha256'] = hash_file(checkpoint)
    with name_in_errors(checkpoint):
        chosen = select(content, role=role)
        names = filter(None, (checkpoint.name, chosen.role))
        options['source'] = ', '.join(names)
        if arch is None:
            name = Path(config.filename or '').stem if config else ''
            if config is None:
                config = stored_config(content, custom_imports=custom_imports)
                # mmengine adds the time at which a run began
                run = content['meta'].get('experiment_name') or ''
                name = re.sub(r'_\d{8}_\d{6}$', '', run)
            options['training_config'] = name or None
            spec = ModelSpec.from_config(config, **options)
            origin = find_origin(content)
            # those that are given replace whatever the training says
            stated = None if images_given else (spec.mean, spec.std)
            origin.require(Origin(spec.backbone, stated))
            if origin.fingerprint:
                notes = {**spec.notes, 'fingerprint': origin.fingerprint}
                spec = replace(spec, notes=notes)
        elif select(content, 'neck').tensors:
            # without it, features are not those that were evaluated
            raise UserError('it has a neck; give the config of its training.')
        else:
            spec = ModelSpec.from_architecture(arch, **options)
        return save_model_file(
            out.with_name(f'{out.stem}_{date.today():%Y%m%d}{out.suffix}'),
            content,
            spec,
            role=role,
            source_file=checkpoint,
            add_hash=True,
        )
