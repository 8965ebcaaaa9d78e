"""StageResults: what a pipeline keeps to resume after an interruption."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmcion.structures import IdentityLabels
from mmcion.utils.checks import UserError
from mmcion.utils.io import load_npz, read_json, save_npz, write_json
from mmcion.utils.rank_pool import RankPool

Result = tuple[IdentityLabels, dict[str, Any]]


class StageResults:
    """Results of stages in a folder, each with the key that it belongs to.

    A key stands for config and inputs; a result with another key is not
    used. Rank 0 reads and writes.

    Args:
        work_dir: Gets ``stages/<name>.npz`` and ``.json``, and a folder with
            the chunks of an unfinished stage; None keeps nothing.
    """

    def __init__(self, work_dir: str | Path | None) -> None:
        self.folder = None if work_dir is None else Path(work_dir) / 'stages'

    def rank_pool(self, name: str, key: str) -> RankPool:
        """Return the pool for a stage that is to run."""
        if self.folder is None:
            return RankPool()
        return RankPool(self.folder / f'{name}.{key}')

    def load(self, name: str, key: str) -> Result | None:
        """Return a finished result, None if there is none for this key."""
        if self.folder is None:
            return None
        found: list[Result | None] = [None]
        file = self.folder / f'{name}.npz'
        if is_main_process() and file.exists():
            try:
                report = read_json(file.with_suffix('.json'))
                saved = load_npz(file)
                keys = {report.pop('key'), str(saved['key'])}
                labels = IdentityLabels(saved['identity'])
                if keys == {key}:
                    found = [(labels, report)]
            except (OSError, UserError, KeyError, TypeError) as error:
                print_log(
                    f'{file} is damaged ({error}); done again', 'current'
                )
        if found[0] is not None:
            # a run may have been killed before it removed them
            self._remove_chunks(name)
        broadcast_object_list(found)
        return found[0]

    def save(
        self, name: str, key: str, labels: IdentityLabels, report: dict
    ) -> None:
        """Keep a result; replaces an older one of the same name."""
        if self.folder is None:
            return
        if is_main_process():
            # Both files hold the key: a kill between them leaves two keys,
            # and the pair is not used.
            file = self.folder / f'{name}.npz'
            write_json(file.with_suffix('.json'), {'key': key, **report})
            save_npz(file, identity=labels.identity, key=np.array(key))
            self._remove_chunks(name)
        barrier()

    def _remove_chunks(self, name: str) -> None:
        """Remove the chunks of a stage, also those made under other keys."""
        assert self.folder is not None
        for path in self.folder.glob(f'{name}.*'):
            if path.is_dir():
                shutil.rmtree(path)
