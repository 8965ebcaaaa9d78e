"""RankPool: map a function over chunks of work on all ranks, with resume."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from mmengine.dist import all_gather_object, get_dist_info

from .checks import UserError
from .io import load_npz, save_npz
from .progress import progress_bar

Item = TypeVar('Item')
Arrays = dict[str, np.ndarray]


class RankPool:
    """Map a function over chunks of work, as a pool of all ranks.

    Ranks take contiguous runs of chunks, and every rank gets all results in
    order, so what is made of them cannot depend on the number of ranks.

    Args:
        folder: Folder for the results of finished chunks, which a resumed run
            reads, one for each config and input; None saves nothing.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = None if folder is None else Path(folder)
        self._calls = 0

    def map(
        self,
        name: str,
        function: Callable[[Item], Arrays],
        items: Sequence[Item],
        *,
        sizes: Sequence[int] | np.ndarray | None = None,
        unit: str = 'img',
        keep: bool = True,
    ) -> list[Arrays]:
        """Return ``function(item)`` of every item, in order, on all ranks.

        Args:
            name: Name of the work, for the progress bar and the files.
            function: Pure function that returns named arrays.
            items: Chunks of the work.
            sizes: Size of each chunk, for the progress bar; 1 if None.
            unit: Unit of the sizes.
            keep: Whether to save results; not worth it if they are larger
                than the inputs.
        """
        self._calls += 1  # one name may be used twice
        steps = np.ones(len(items), int) if sizes is None else np.array(sizes)
        saves = keep and self.folder is not None
        rank, world_size = get_dist_info()
        # contiguous runs, so that results of ranks in order are all in order
        mine = np.array_split(np.arange(len(items)), world_size)[rank]
        bar = progress_bar(
            total=int(steps[mine].sum()),
            desc=name,
            unit=unit,
            unit_scale=True,
            disable=rank != 0,
            leave=False,
            delay=2,
        )
        done = []
        with bar:
            for index in mine.tolist():
                stem = f'{self._calls:02d}-{name}_{index:06d}'
                file = (self.folder or Path()) / f'{stem}.npz'
                result = None
                # what is missing or damaged is computed
                with contextlib.suppress(FileNotFoundError, UserError):
                    result = load_npz(file) if saves else None
                if result is None:
                    result = function(items[index])
                    if saves:
                        save_npz(file, **result)
                done.append(result)
                bar.update(int(steps[index]))
        if world_size == 1:
            return done
        return [result for part in all_gather_object(done) for result in part]
