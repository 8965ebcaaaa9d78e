"""Few-shot training sets: a ratio of the identities, or of the images.

The protocol of LUPerson (CVPR 2021) and CION, and the form of the lists that
its authors publish. How theirs were drawn is not known but for their counts;
ours are nested, so that a larger ratio holds all of a smaller one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmcion.utils.checks import (
    UserError,
    check_file,
    check_interval,
    join_names,
)
from mmcion.utils.io import atomic_file, open_text

from .reid_image import ReIDImage


def choose_identities(
    pids: np.ndarray, ratio: float, seed: int = 0
) -> np.ndarray:
    """Return floor(ratio * P) of the P identities of ``(N,)`` images.

    Sorted, with all of their images; ratio is in (0, 1].
    """
    unique = np.unique(pids)
    order = np.random.default_rng(seed).permutation(unique)
    return np.sort(order[: _part(ratio, len(unique))])


def choose_images(pids: np.ndarray, ratio: float, seed: int = 0) -> np.ndarray:
    """Return rows of floor(ratio * N) of N images, but one per identity.

    Identities take turns to give an image at random, so that all have about
    as many, as in the published lists.
    """
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(pids))
    # (N,) rows, identity by identity, each in random order
    rows = shuffled[np.argsort(pids[shuffled], kind='stable')]
    count = np.unique(pids, return_counts=True)[1]
    turn = np.empty(len(pids), int)  # of each row within its identity
    turn[rows] = np.concatenate([np.arange(n) for n in count])
    order = np.lexsort((rng.permutation(len(pids)), turn))
    return np.sort(order[: max(_part(ratio, len(pids)), len(count))])


def _part(ratio: float, count: int) -> int:
    check_interval('(0, 1]', ratio=ratio)
    # 0.29 * 100 is 28.999999999999996
    return math.floor(round(ratio * count, 6))


def write_identity_list(path: str | Path, pids: Sequence[int]) -> None:
    """Write ``used_ids_*.txt``: one identity a line."""
    with atomic_file(path) as temporary:
        temporary.write_text(''.join(f'{pid}\n' for pid in pids))


def write_image_list(path: str | Path, images: Sequence[ReIDImage]) -> None:
    """Write ``used_ims_*.txt``: ``name; label; camera`` a line, from 0."""
    pids = sorted({image.pid for image in images})
    label = {pid: number for number, pid in enumerate(pids)}
    lines = (
        f'{Path(i.path).name}; {label[i.pid]}; {i.cam_id}\n' for i in images
    )
    with atomic_file(path) as temporary:
        temporary.write_text(''.join(lines), 'utf-8')


def keep_listed(
    images: Sequence[ReIDImage], file: str | Path
) -> list[ReIDImage]:
    """Return the images that a list names, by themselves or by identity.

    Raises:
        UserError: If the list names what is not there, or something twice.
    """
    with open_text(check_file(file, 'few-shot list')) as stream:
        lines = [line.strip() for line in stream if line.strip()]
    by_name = any(';' in line for line in lines)
    listed = [line.split(';')[0].strip() for line in lines]
    names = [
        Path(image.path).name if by_name else str(image.pid)
        for image in images
    ]
    if not by_name and all(name.isdecimal() for name in listed):
        listed = [str(int(name)) for name in listed]  # 0002 is identity 2
    known, wanted = set(names), set(listed)
    wrong = [name for name in listed if name not in known]
    if wrong or len(wanted) < len(listed):
        hint = ' Names of MSMT17 are those of its repacked form.' * by_name
        raise UserError(
            f'{file}: {len(wrong)} of {len(listed)} are not in the set '
            f'({join_names(wrong, 3)}), {len(listed) - len(wanted)} come '
            f'twice.{hint}'
        )
    return [i for i, n in zip(images, names, strict=True) if n in wanted]
