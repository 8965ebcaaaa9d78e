import shutil
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmcion.structures import IdentityLabels
from mmcion.utils.checks import UserError
from mmcion.utils.io import load_npz, read_json, save_npz, write_json
from mmcion.utils.rank_pool import RankPool

Result = tuple[IdentityLabels, dict[str, Any]]


class StageResults:
    """Results of finished levels, in a folder of one config and its inputs.

    Rank 0 reads and writes.

    Args:
        work_dir: Gets ``stages/<name>.npz`` and ``.json``, and a folder with
            the chunks of an unfinished level; None keeps nothing.
    """

    def __init__(self, work_dir: str | Path | None) -> None:
        self.folder = None if work_dir is None else Path(work_dir) / 'stages'

    def rank_pool(self, name: str) -> RankPool:
        """Return the pool for a level that is to run."""
        return RankPool(self.folder and self.folder / f'{name}.chunks')

    def load(self, name: str) -> Result | None:
        """Return a finished result, None if there is none."""
        if self.folder is None:
            return None
        found: list[Result | None] = [None]
        file = self.folder / f'{name}.npz'
        if is_main_process() and file.exists():
            try:
                labels = IdentityLabels(load_npz(file)['identity'])
                found = [
                    (
                        labels,
                        read_json(file.with_suffix('.json'), dict[str, Any]),
                    )
                ]
            except (OSError, UserError, KeyError) as error:
                text = f'{file} is damaged ({error}); done again'
                print_log(text, logger='current')
        if found[0] is not None:
            # a run may have been killed before it removed them
            self._remove_chunks(name)
        broadcast_object_list(found)
        return found[0]

    def save(
        self, name: str, labels: IdentityLabels, report: dict[str, Any]
    ) -> None:
        """Keep a result; replaces an older one of the same name."""
        if self.folder is None:
            return
        if is_main_process():
            # The report first: a result is there when its labels are.
            file = self.folder / f'{name}.npz'
            write_json(file.with_suffix('.json'), report)
            save_npz(file, identity=labels.identity)
            self._remove_chunks(name)
        barrier()

    def _remove_chunks(self, name: str) -> None:
        chunks = self.rank_pool(name).folder
        if chunks is not None and chunks.exists():
            shutil.rmtree(chunks)
