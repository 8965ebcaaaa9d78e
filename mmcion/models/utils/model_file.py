"""Model files: weights with all that is needed to use them."""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mmcion.models.zoo import build_backbone, get_architecture
from mmcion.utils.compat import load_checkpoint_safely
from mmcion.utils.io import atomic_file, hash_file
from mmcion.version import __version__

from .weight_io import backbone_tensors, first_names

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
_HASH_LENGTH = 8
_HASHED_STEM = re.compile(r'(.*)-([0-9a-f]{8})', re.DOTALL)
# classifiers that no feature passes
_UNUSED = re.compile(r'(?:fc|head)\.')
_WEB_PAGE = re.compile(rb'\s*<(?:!doctype|html|head|\?xml)', re.IGNORECASE)
_LFS_POINTER = b'version https://git-lfs'


def save_model_file(
    path: str | Path,
    weights: nn.Module | Mapping[str, Any],
    *,
    arch: str,
    source: str,
    source_sha256: str | None = None,
    source_file: str | Path | None = None,
    input_size: tuple[int, int] = (256, 128),
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    extra: Mapping[str, Any] | None = None,
    add_hash: bool = False,
) -> Path:
    """Write the weights of a backbone, and how to use them.

    The file holds ``{'state_dict': {'backbone.*': tensor}, 'meta': {...}}``
    of plain types, so it loads with ``weights_only``, into ``ReIDModel`` too.
    Equal content gives equal bytes.

    Args:
        path: ends in ``.pth``.
        weights: a model, a backbone or a checkpoint in our names; of one
            with teacher and student the teacher is taken.
        arch: name of the architecture, see ``get_architecture``.
        source: where the weights come from, for people to read.
        source_sha256: hash of the file that they come from.
        source_file: that file, which is not to be written over.
        input_size: height and width in pixels.
        mean: per channel, of RGB images in [0, 1].
        std: per channel.
        extra: more for ``meta``, of types that JSON knows; such as
            ``threshold={'similarity': 0.6, 'false_match_rate': 0.001}``, the
            cosine from which on two images count as one person.
        add_hash: put the first 8 digits of the file's SHA-256 at the end of
            its name; no file of the name without them is touched.

    Returns:
        Path of the file.

    Raises:
        ValueError: if the weights are not all those of ``arch`` or not
            finite, ``extra`` names what is known otherwise, an option is out
            of range, or the file is ``source_file``.
        TypeError: if ``extra`` is more than JSON knows.
    """
    path = Path(path)
    if path.suffix != '.pth':
        raise ValueError(f'a model file must end in .pth; got {path}')
    _check_images(input_size, mean, std)
    name = get_architecture(arch).name
    meta = {
        'arch': name,
        'input_size': input_size,
        'mean': mean,
        'std': std,
        'source': source,
        'source_sha256': source_sha256,
        'mmcion_version': __version__,
    }
    if known := meta.keys() & (extra or {}):
        raise ValueError(f'extra must not hold {", ".join(sorted(known))}')
    content = {
        'state_dict': _complete(weights, name),
        'meta': json.loads(json.dumps({**meta, **(extra or {})})),
    }
    return write_model_content(
        path, content, source_file=source_file, add_hash=add_hash
    )


def write_model_content(
    path: str | Path,
    content: Mapping[str, Any],
    *,
    source_file: str | Path | None = None,
    add_hash: bool = False,
) -> Path:
    """Write what a model file holds, atomically.

    Args:
        path: ends in ``.pth``.
        content: ``state_dict`` and ``meta``, of plain types.
        source_file: see ``save_model_file``.
        add_hash: see ``save_model_file``.

    Returns:
        Path of the file.

    Raises:
        ValueError: if the file is ``source_file``.
    """
    path = Path(path)
    buffer = io.BytesIO()  # a path would go into the bytes
    torch.save(content, buffer)
    if add_hash:
        digest = hashlib.sha256(buffer.getbuffer()).hexdigest()
        path = path.with_stem(f'{path.stem}-{digest[:_HASH_LENGTH]}')
    if source_file is not None:
        refuse_same_file(path, source_file)
    with atomic_file(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    return path


def refuse_same_file(out: str | Path, source: str | Path) -> None:
    """Raise if a file to write is the one that is read.

    Raises:
        ValueError: names it.
    """
    if Path(out).exists() and Path(out).samefile(source):
        raise ValueError(
            f'{out} is the file that is read; write to another name.'
        )


def read_model_file(path: str | Path) -> dict[str, Any]:
    """Read what ``save_model_file`` wrote.

    Returns:
        ``state_dict`` and ``meta``.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, another kind of file, or not what the
            hash in its name says.
    """
    checkpoint = read_checkpoint(path)
    if not model_meta(checkpoint):
        raise ValueError(
            f'{path} is a checkpoint, but no model file: nothing in it says '
            f"what architecture it has. Say it: mmcion.get_model('cion_<arch>'"
            f", pretrained='{path}')."
        )
    return checkpoint


def model_meta(checkpoint: Any) -> dict[str, Any]:
    """Return the ``meta`` of a model file, or nothing for other files."""
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    if isinstance(meta, dict) and {'arch', 'mmcion_version'} <= set(meta):
        return meta
    return {}


def read_checkpoint(path: str | Path) -> Any:
    """Read any checkpoint without running code from it.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is a web page, truncated, asks to run code, is
            otherwise damaged, or is a model file whose name has another
            hash; says which and what to do.
    """
    try:
        checkpoint = load_checkpoint_safely(path)
    except ValueError as error:
        raise ValueError(_complaint(Path(path), error)) from error
    if model_meta(checkpoint):
        _check_name(Path(path))
    return checkpoint


def _check_images(
    input_size: Sequence[int], mean: Sequence[float], std: Sequence[float]
) -> None:
    """Check what is said of the images."""
    if len(input_size) != 2 or not all(
        isinstance(pixels, int) and pixels > 0 for pixels in input_size
    ):
        raise ValueError(
            f'input_size must be two whole numbers above 0, height and '
            f'width; got {input_size}'
        )
    for name, values in (('mean', mean), ('std', std)):
        if len(values) != 3 or not all(map(math.isfinite, values)):
            raise ValueError(
                f'{name} must be three finite numbers, of R, G and B; got '
                f'{values}'
            )
    if min(std) <= 0:
        raise ValueError(f'std must be three numbers above 0; got {std}')


def _complete(
    weights: nn.Module | Mapping[str, Any], arch: str
) -> dict[str, Tensor]:
    """Return all weights of the backbone of ``arch`` as ``backbone.*``."""
    if isinstance(weights, nn.Module):
        weights = weights.state_dict()
    _, tensors = backbone_tensors(weights, ('teacher', 'student'))
    with torch.random.fork_rng(devices=[]):  # building it draws numbers
        backbone = build_backbone(arch)
    load_complete(backbone, tensors, f'the weights of {arch}')
    state = backbone.state_dict()
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise ValueError(
                f'{name} of the weights holds NaN or infinity: the training '
                f'diverged, or the file is damaged. Take an earlier one.'
            )
    return {
        f'backbone.{name}': tensor.detach().clone().contiguous()
        for name, tensor in state.items()
    }


def load_complete(
    backbone: nn.Module, tensors: Mapping[str, Tensor], what: str
) -> None:
    """Load all weights of a backbone.

    Args:
        backbone: filled in place.
        tensors: by the backbone's names.
        what: what these should be, for the error.

    Raises:
        ValueError: if a tensor is missing, too many or of another shape;
            names some. Classifiers may be there.
    """
    wanted = backbone.state_dict()
    found = {k: v for k, v in tensors.items() if not _UNUSED.match(k)}
    for name in wanted:
        # a counter that older checkpoints do not have
        if name.endswith('num_batches_tracked'):
            found.setdefault(name, torch.tensor(0))
    missing = sorted(wanted.keys() - found.keys())
    unknown = sorted(found.keys() - wanted.keys())
    common = sorted(wanted.keys() & found.keys())
    reshaped = [k for k in common if wanted[k].shape != found[k].shape]
    if wrong := missing + unknown + reshaped:
        raise ValueError(
            f'these are not {what}: of its {len(wanted)} tensors '
            f'{len(missing)} are missing and {len(reshaped)} have another '
            f'shape, and {len(unknown)} are there that it does not have '
            f'({first_names(wrong)}). Is it another architecture?'
        )
    backbone.load_state_dict(found)


def _complaint(path: Path, error: ValueError) -> str:
    """Say what is wrong with a file that could not be loaded."""
    with open(path, 'rb') as file:
        start = file.read(512)
    asked = re.search(r'(?:GLOBAL|class) ([\w.]+)', str(error.__cause__))
    if _WEB_PAGE.match(start):
        what = (
            'is a web page and not weights: the download gave a log-in or '
            'an error page. Open the address in a browser and save the file '
            'itself'
        )
    elif start.startswith(_LFS_POINTER):
        what = "is Git LFS's note of a file. Get the file with `git lfs pull`"
    elif not start:
        what = 'is empty. Download or copy it again'
    elif asked:
        what = (
            f'was not loaded, for it asks to run {asked[1]}; weights never '
            f'need that. Do not load it by other means; get it from its '
            f'authors, and compare the hash'
        )
    elif _is_truncated(path, start, error):
        size = path.stat().st_size
        what = f'is truncated ({size} bytes). Download or copy it again'
    else:
        return str(error)
    return f'{path} {what}.'


def _is_truncated(path: Path, start: bytes, error: ValueError) -> bool:
    """Tell whether the end of a file of either of torch's formats lacks."""
    if start.startswith(b'PK'):
        return not zipfile.is_zipfile(path)
    reason = str(error.__cause__)
    return isinstance(error.__cause__, EOFError) or 'unexpected EOF' in reason


def split_stem(path: Path) -> tuple[str, str]:
    """Return the name of a model file without ending and hash, and the hash.

    The second is empty where the name has no hash.
    """
    found = _HASHED_STEM.fullmatch(path.stem)
    return (found[1], found[2]) if found else (path.stem, '')


def _check_name(path: Path) -> None:
    """Compare the hash in the name of a model file, if it has one."""
    _, named = split_stem(path)
    if not named:
        return
    digest = hash_file(path)[:_HASH_LENGTH]
    if named != digest:
        raise ValueError(
            f'{path} hashes to {digest} and not to {named} as its name '
            f'says: it was changed or damaged. Get it again; if its name was '
            f'not meant to end in a hash, rename it.'
        )
