"""AtomicCheckpointHook: checkpoints that are complete or absent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmcion.engine.unfinished_step import average_gradients
from mmcion.registry import HOOKS
from mmcion.utils.io import atomic_file

_BACKEND = 'mmcion.atomic'


class AtomicBackend(LocalBackend):
    """Local files that are written aside, flushed to disk and renamed."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write ``filepath``; after an error it is unchanged."""
        # on disk before it is renamed, so a power cut leaves no empty file
        with atomic_file(filepath) as part, open(part, 'wb') as stream:
            stream.write(obj)
            stream.flush()
            os.fsync(stream.fileno())


register_backend(_BACKEND, AtomicBackend)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """Save checkpoints so that a run may be killed at any time.

    mmengine's hook writes straight to the final name, and removes an old
    checkpoint before the new one is there. Here the new one and
    ``last_checkpoint`` are renamed into place before the old one is removed.

    Takes the options of mmengine's hook. Storages given by ``backend_args`` or
    ``file_client_args`` write in their own way.
    """

    def __init__(self, **options: Any) -> None:
        if not options.get('file_client_args'):
            options.setdefault('backend_args', {'backend': _BACKEND})
        super().__init__(**options)

    def before_train(self, runner: Runner) -> None:
        """Remove the partial files of a killed run."""
        super().before_train(runner)
        if is_main_process():
            for part in Path(self.out_dir).glob('.*.pth.*.tmp'):
                part.unlink(missing_ok=True)

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict[str, Any]
    ) -> None:
        # of an unfinished step, since only one rank saves
        average_gradients(runner)
        # the oldest checkpoint, if this one exceeds max_keep_ckpts
        outdated = None
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
                name = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
                outdated = self.file_backend.join_path(self.out_dir, name)
            self.keep_ckpt_ids.append(step)
            runner.message_hub.update_info(
                'keep_ckpt_ids', list(self.keep_ckpt_ids)
            )
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            with atomic_file(Path(runner.work_dir, 'last_checkpoint')) as part:
                part.write_text(str(self.last_ckpt))
            if outdated and self.file_backend.isfile(outdated):
                self.file_backend.remove(outdated)
