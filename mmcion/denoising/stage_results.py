"""StageResults: what a pipeline keeps to go on after an interruption."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmengine.logging import print_log

from mmcion.structures import IdentityLabels
from mmcion.utils.checks import UserError
from mmcion.utils.io import load_npz, read_json, save_npz, write_json
from mmcion.utils.shards import Shards

Result = tuple[IdentityLabels, dict[str, Any]]


class StageResults:
    """Results of stages in a folder, each with the key that it belongs to.

    A key stands for config and inputs; a result with another key is not
    used. Rank 0 reads and writes.

    Args:
        work_dir: keeps ``stages/<name>.npz`` and ``.json``, and a folder
            with the shards of an unfinished stage; None keeps nothing.
    """

    def __init__(self, work_dir: str | Path | None) -> None:
        self.folder = None if work_dir is None else Path(work_dir) / 'stages'

    def shards(self, name: str, key: str) -> Shards:
        """Return the shards of a stage that is to run."""
        if self.folder is None:
            return Shards()
        return Shards(self.folder / f'{name}.{key}')

    def load(self, name: str, key: str) -> Result | None:
        """Return a finished result, None if there is none for this key."""
        if self.folder is None:
            return None
        found = [self._read(name, key) if is_main_process() else None]
        if found[0] is not None:
            # a kill may have come after the result, before the shards went
            self._forget_shards(name)
        broadcast_object_list(found)
        return found[0]

    def save(
        self,
        name: str,
        key: str,
        labels: IdentityLabels,
        report: dict[str, Any],
    ) -> None:
        """Keep a result; replaces an older one of the same name."""
        if self.folder is None:
            return
        if is_main_process():
            file = self.folder / f'{name}.npz'
            write_json(file.with_suffix('.json'), {'key': key, **report})
            save_npz(file, identity=labels.identity, key=np.array(key))
            self._forget_shards(name)
        barrier()

    def _forget_shards(self, name: str) -> None:
        """Remove the shards of a stage, also those made under other keys."""
        if self.folder is not None:
            for path in self.folder.glob(f'{name}.*'):
                if path.is_dir():
                    shutil.rmtree(path)

    def _read(self, name: str, key: str) -> Result | None:
        file = self.folder / f'{name}.npz' if self.folder else Path()
        if not file.exists():
            return None
        try:
            report = read_json(file.with_suffix('.json'))
            saved = load_npz(file)
            keys = {report.pop('key'), str(saved['key'])}
            identity = saved['identity']
        except (OSError, UserError, KeyError, TypeError) as error:
            print_log(f'{file} is damaged ({error}); done again', 'current')
            return None
        return (IdentityLabels(identity), report) if keys == {key} else None
