"""Build the extractor of features again, from what their store says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmcion.models.weights import use_checkpoint
from mmcion.models.weights.network_config import resize_pipeline
from mmcion.models.weights.stored_config import admit_classes
from mmcion.registry import MODELS, TRANSFORMS
from mmcion.structures import FeatureStore
from mmcion.utils.checks import UserError, check_file
from mmcion.utils.io import hash_file, hash_value

from .features import FeatureExtractor

# older stores have a hash of the transforms only: sizes that are common
_SIZES = ((256, 128), (128, 64), (384, 128), (224, 224))
_HINT = 'Give the --config and --checkpoint of extract_features.py.'


def rebuild_extractor(
    store: FeatureStore, checkpoint: str | Path | None = None
) -> FeatureExtractor:
    """Return the extractor that wrote a store, which does not normalise.

    Args:
        store: What ``tools/extract_features.py`` wrote.
        checkpoint: File of its weights, if it had one.

    Raises:
        UserError: If the store does not say what is needed, or the weights
            are others.
        FileNotFoundError: If there is no checkpoint.
    """
    network, pipeline = store.meta.get('extractor'), _transforms(store)
    if not isinstance(network, dict) or pipeline is None:
        raise UserError(
            f'the features do not say how to extract more. {_HINT}'
        )
    wanted = store.meta.get('checkpoint')
    if wanted is not None and checkpoint is None:
        raise UserError(
            f'the features are of a checkpoint: give it as --checkpoint '
            f'(SHA-256 {wanted[:12]}...).'
        )
    if checkpoint is not None:
        found = hash_file(check_file(checkpoint, 'checkpoint'))
        if found != wanted:
            raise UserError(
                f'{checkpoint} is not the checkpoint of the features: SHA-256 '
                f'{found[:12]}..., not {str(wanted)[:12]}...'
            )
    # names in a file of data must not lead to code
    admit_classes(network, [], False)
    admit_classes(pipeline, [], False, [TRANSFORMS])
    dataset = {'dataset': {'pipeline': pipeline}}
    cfg = Config({'model': network, 'test_dataloader': dataset})
    if checkpoint is not None:
        use_checkpoint(cfg, checkpoint)
    model = MODELS.build(cfg.model)
    return FeatureExtractor(model, pipeline=pipeline, normalize=False)


def _transforms(store: FeatureStore) -> list[dict[str, Any]] | None:
    """Return the transforms of a store, None if they cannot be known."""
    if isinstance(found := store.meta.get('transforms'), list):
        return found
    for size in _SIZES:
        for scope in ('', 'mmcion.'):
            guess = [
                {**each, 'type': scope + each['type'].removeprefix('mmcion.')}
                for each in resize_pipeline(size)
            ]
            if hash_value(guess) == store.meta.get('pipeline'):
                return guess
    return None
