"""AtomicCheckpointHook: checkpoints that are complete or absent."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size, is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmcion.engine.unfinished_step import average_gradients, unfinished_step
from mmcion.engine.unwrap import unwrapped_model
from mmcion.registry import HOOKS
from mmcion.utils.checks import join_names
from mmcion.utils.finite import not_finite
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
    Weights or an optimizer that are not finite are never saved.

    A single process that a tool runs answers SIGTERM by finishing the
    iteration and saving ``stopped_iter_N.pth``, which the next regular
    checkpoint replaces. Several ranks stop at once, since a rank cannot
    finish an iteration that another one has left.

    Takes the options of mmengine's hook. Storages given by ``backend_args`` or
    ``file_client_args`` write in their own way.
    """

    def __init__(self, **options: Any) -> None:
        if not options.get('file_client_args'):
            options.setdefault('backend_args', {'backend': _BACKEND})
        super().__init__(**options)

        self._previous_handler: Any = None
        self._stop_signal: int | None = None

    def before_train(self, runner: Runner) -> None:
        """Remove what a killed run has left behind."""
        super().before_train(runner)
        if not is_main_process():
            return
        folder = Path(self.out_dir)
        for part in folder.glob('.*.????????.tmp'):
            part.unlink(missing_ok=True)
        # a kill between a new checkpoint and the removal of the oldest one
        kept = self.keep_ckpt_ids if self.max_keep_ckpts > 0 else ()
        pattern = re.escape(self.filename_tmpl).replace(r'\{\}', r'(\d+)')
        for path in folder.glob('*.pth') if kept else ():
            found = re.fullmatch(pattern, path.name)
            if found and int(found[1]) < min(kept):
                path.unlink(missing_ok=True)

    def before_train_epoch(self, runner: Runner) -> None:
        """Let SIGTERM wait for the end of an iteration."""
        handler = signal.getsignal(signal.SIGTERM)
        # only where a tool has set a handler, which ends the run
        if callable(handler) and get_world_size() == 1:
            self._previous_handler = handler
            signal.signal(signal.SIGTERM, self._note_signal)

    def _note_signal(self, number: int, _: Any) -> None:
        self._stop_signal = number

    def after_train_iter(self, runner: Runner, *args: Any, **kw: Any) -> None:
        """Save by iterations, or save and end after SIGTERM."""
        super().after_train_iter(runner, *args, **kw)
        if self._stop_signal is not None:
            step = runner.iter + 1
            meta = {'epoch': runner.epoch, 'iter': step}
            self._write(runner, f'stopped_iter_{step}.pth', meta, False)
            self._end_deferral()

    def after_train_epoch(self, runner: Runner) -> None:
        """Save by epochs; SIGTERM ends a validation at once."""
        super().after_train_epoch(runner)
        self._end_deferral()

    def _end_deferral(self) -> None:
        """Give SIGTERM back, and do what it would have done."""
        if handler := self._previous_handler:
            signal.signal(signal.SIGTERM, handler)
            self._previous_handler = None
        if self._stop_signal is not None:
            number, self._stop_signal = self._stop_signal, None
            handler(number, None)

    def _save_best_checkpoint(
        self, runner: Runner, metrics: dict[str, Any]
    ) -> None:
        # saved without the optimizer
        _require_finite(runner, model=unwrapped_model(runner).state_dict())
        super()._save_best_checkpoint(runner, metrics)

    def _save_checkpoint_with_step(
        self, runner: Runner, step: int, meta: dict[str, Any]
    ) -> None:
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
        self._write(runner, name, meta, self.by_epoch)
        if is_main_process():
            if outdated and self.file_backend.isfile(outdated):
                self.file_backend.remove(outdated)
            for path in Path(self.out_dir).glob('stopped_iter_*.pth'):
                path.unlink()

    def _write(
        self, runner: Runner, name: str, meta: dict[str, Any], by_epoch: bool
    ) -> None:
        """Write a checkpoint, then the note that it is the last one."""
        # of an unfinished step, since only one rank saves
        average_gradients(runner)
        wrapper = runner.optim_wrapper
        # float16 gradients may overflow: the scaler skips their step
        has_scale = hasattr(wrapper, 'loss_scaler')
        _require_finite(
            runner,
            model=unwrapped_model(runner).state_dict(),
            optimizer=wrapper.state_dict(),
            unfinished_step={} if has_scale else unfinished_step(runner),
        )
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            with atomic_file(Path(runner.work_dir, 'last_checkpoint')) as part:
                part.write_text(str(self.last_ckpt))


def _require_finite(runner: Runner, **state: Any) -> None:
    """Raise ``FloatingPointError`` on all ranks if that of any is unsound."""
    names = not_finite(state)
    count = torch.tensor(len(names))
    all_reduce(count)
    if count:
        found = f': {join_names(names)}' if names else ' on another rank'
        raise FloatingPointError(
            f'weights or optimizer are not finite at iteration {runner.iter}'
            f'{found}; resume from before with a lower learning rate.'
        )
