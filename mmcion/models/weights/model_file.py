"""Model files: a network's weights with all that is needed to use them.

``{'state_dict': {'backbone.*': tensor, 'neck.*': tensor}, 'meta': {...}}`` of
plain types, so ``torch.load(path, weights_only=True)`` reads it. ``meta`` is a
``ModelSpec`` and the number of the format.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mmcion.registry import MODELS
from mmcion.utils.checks import UserError, check_choice
from mmcion.utils.io import atomic_file, hash_file
from mmcion.utils.read_checkpoint import read_checkpoint

from .load import load_weights
from .model_spec import ModelSpec
from .network_config import portable_config
from .stored_config import admit_classes

FORMAT = 1
_HASH_LENGTH = 8
_HASHED_STEM = re.compile(r'(.*)-([0-9a-f]{8})', re.DOTALL)


def save_model_file(
    path: str | Path,
    weights: nn.Module | Mapping[str, Any],
    spec: ModelSpec,
    *,
    role: str | None = None,
    source_file: str | Path | None = None,
    add_hash: bool = False,
) -> Path:
    """Write a model file and return its path.

    The network is built and filled first, so the file is one that opens.
    Equal content gives equal bytes.

    Args:
        path: File to write, ``*.pth``.
        weights: Model, backbone, or checkpoint in our names.
        spec: The network and its images.
        role: Network of a pre-training, see ``select``.
        source_file: File that the weights come from; never written over.
        add_hash: Whether to end the name in the first 8 digits of the file's
            SHA-256.

    Raises:
        UserError: If the weights are not exactly those of the network, or not
            finite.
    """
    if isinstance(weights, nn.Module):
        weights = weights.state_dict()
    # a class that only this program can find would not open elsewhere
    admit_classes(spec.model_config(), spec.custom_imports, False)
    network = build_network(spec)
    load_weights(network, weights, role=role)
    # copies of their own, for a view would be saved with all of its storage
    state = {
        name: tensor.detach().clone().contiguous()
        for name, tensor in network.state_dict().items()
    }
    return write_content(path, state, spec, source_file, add_hash)


def build_network(spec: ModelSpec) -> Any:
    """Build a ``ReIDModel`` with random weights, in eval mode."""
    with torch.random.fork_rng(devices=[]):  # leave the caller's alone
        model = MODELS.build(portable_config(spec.model_config()))
    model.spec = spec
    return model.eval()


def write_content(
    path: str | Path,
    state: Mapping[str, torch.Tensor],
    spec: ModelSpec,
    source_file: str | Path | None,
    add_hash: bool,
) -> Path:
    """Write weights and spec atomically; see ``save_model_file``."""
    path = Path(path)
    meta = json.loads(json.dumps({'format': FORMAT, **asdict(spec)}))
    buffer = io.BytesIO()  # torch would write the name of a file into it
    torch.save({'state_dict': state, 'meta': meta}, buffer)
    if add_hash:
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = path.with_stem(f'{path.stem}-{digest[:_HASH_LENGTH]}')
    check_target(path, source_file)
    with atomic_file(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    return path


def check_target(path: Path, source_file: str | Path | None) -> None:
    """Raise unless a model file can be written, and is not its source."""
    check_choice(f'suffix of {path}', path.suffix, ['.pth'])
    refuse_same_file(path, source_file)


def refuse_same_file(out: str | Path, source: str | Path | None) -> None:
    """Raise if a file to write is the one that is read, if any."""
    if source and Path(out).exists() and Path(out).samefile(source):
        raise UserError(f'{out} is the file that is read; choose another.')


def read_model(path: str | Path) -> tuple[Any, ModelSpec | None]:
    """Return the content of any checkpoint, and the spec of a model file.

    Raises:
        UserError: If it is damaged, would run code, or is a model file of
            another format or with a hash in its name that is not its own.
    """
    path = Path(path).expanduser()
    content = read_checkpoint(path)
    meta = content.get('meta') if isinstance(content, Mapping) else None
    if not isinstance(meta, Mapping) or 'mmcion_version' not in meta:
        return content, None
    values = dict(meta)
    written = values.pop('format', 0)  # none before the first format
    if written != FORMAT:
        text = f'{path} is a model file of format {written}, not {FORMAT}'
        raise UserError(f'{text}: publish its checkpoint again.')
    # only here: other files may end in 8 digits by chance, such as a date
    _, named = split_stem(path)
    digest = hash_file(path)[:_HASH_LENGTH] if named else ''
    if named != digest:
        raise UserError(
            f'{path} hashes to {digest}, unlike its name: it was changed or '
            f'damaged. Get it again, or rename it if {named} is no hash.'
        )
    return content, ModelSpec(**values)


def read_model_file(path: str | Path) -> tuple[dict[str, Any], ModelSpec]:
    """Return state dict and spec of what ``save_model_file`` wrote.

    Raises:
        UserError: If it is damaged, or another kind of checkpoint.
    """
    content, spec = read_model(path)
    if spec is None:
        hint = f'tools/model_converters/publish_model.py {path} --out FILE.pth'
        raise UserError(f'{path} is no model file; make one: python {hint}')
    return content['state_dict'], spec


def split_stem(path: Path) -> tuple[str, str]:
    """Split a file's name into stem and hash; the latter may be empty."""
    found = _HASHED_STEM.fullmatch(path.stem)
    return (found[1], found[2]) if found else (path.stem, '')
