"""Walk a video through the whole chain and write a report.

Every step is one of the toolbox's own commands and is printed, so that it
can be repeated by hand. Finished steps are not run again: a second start
continues where the first one stopped.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

EXAMPLE = """examples:
  python tools/quickstart.py                       # the sample video
  python tools/quickstart.py --videos mine.mp4     # your own
  python tools/quickstart.py --synthetic           # drawn figures, no network
"""
TRAIN_CONFIG = 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'


@dataclass
class Input:
    """What the chain starts from.

    Attributes:
        videos: Files or folders.
        description: What they are, for the report.
        clips: Number of pieces that each recording is cut into.
        extract_options: Options of ``tools/extract_tracklets.py``.
        detector: Name of the detector, for the report.
        truth: CSV of true boxes, if they are known.
    """

    videos: list[str]
    description: str
    clips: int = 4
    extract_options: list[str] = field(default_factory=list)
    detector: str = ''
    truth: str | None = None


@dataclass
class Step:
    """One command of the chain.

    Attributes:
        name: Name in the output and of the record of the step.
        command: Arguments of ``python``.
        output: File or folder that the command writes.
        otherwise: What happens if the command fails; empty if the chain
            cannot continue without it.
    """

    name: str
    command: list[Any]
    output: Path
    otherwise: str = ''


def list_steps(
    chosen: Input, work_dir: Path, facts: dict[str, Any]
) -> Iterator[Step]:
    """Yield the chain; each step sees what the ones before it have written.

    Args:
        chosen: Videos to start from.
        work_dir: Folder of all output.
        facts: Receives what the report needs to know.
    """
    from mmcion.utils.cli import read_config

    tracklets, features = work_dir / 'tracklets', work_dir / 'features'
    identities, cion = work_dir / 'identities', work_dir / 'cion'
    table, split = tracklets / 'table', work_dir / 'query_gallery.csv'
    yield Step(
        'tracklets',
        ['tools/extract_tracklets.py', *chosen.videos, '--out', tracklets]
        + ['--clips', chosen.clips, *chosen.extract_options],
        tracklets,
    )
    yield Step(
        'features',
        ['tools/extract_features.py', table, '--out', features],
        features,
    )
    yield Step(
        'identities',
        ['tools/denoise.py', 'configs/denoise/three-levels_auto.py']
        + ['--table', table, '--features', features, '--out', identities],
        identities,
    )

    # Labels of the test set: the truth if it is known, else tracks that cross
    # the cut between two clips, else the identities that were found.
    command = ['tools/dataset_converters/tracklets2reid.py', table]
    command += ['--out', split, '--overwrite']
    if chosen.truth:
        facts['labels'] = 'truth'
        yield Step('split', [*command, '--truth', chosen.truth], split)
    else:
        facts['labels'] = 'tracks'
        yield Step(
            'split',
            command,
            split,
            'Too few tracks cross a cut: using the identities found.',
        )
    if not split.exists():
        facts['labels'] = 'found'
        command += ['--identities', identities / 'identity.npy']
        yield Step('split', command, split)

    checkpoint = work_dir / 'mobilenetv2_imagenet.pth'
    yield Step(
        'initial_weights',
        ['tools/model_converters/deepsort_to_mmcion.py', checkpoint],
        checkpoint,
        'Without ImageNet weights the backbone starts from random ones.',
    )
    weights = [checkpoint] if checkpoint.exists() else []
    facts['start'] = 'ImageNet weights' if weights else 'random weights'

    def test(name: str, config: str, *model: Path) -> Step:
        folder = work_dir / 'scores' / name
        return Step(
            f'test_{name}',
            ['tools/test.py', f'configs/eval/{config}_128x64.py', *model]
            + ['--work-dir', folder, '--out', folder / 'scores.json']
            + ['--dump-features', folder / 'features.npz']
            + ['--cfg-options', f'test_dataloader.dataset.ann_file={split}']
            + [f'test_dataloader.dataset.data_root={tracklets}/crops'],
            folder / 'scores.json',
        )

    # the baseline without a network, then the network that training starts
    # from, so that the last score shows what training has added
    yield test('colour', 'zero-shot_color-stripes')
    yield test('before', 'zero-shot_mobilenet-v2', *weights)
    # --resume: a killed training continues from its last checkpoint
    cfg = read_config(ROOT / TRAIN_CONFIG)
    batch = batch_size(cfg.train_dataloader, work_dir)
    yield Step(
        'pretraining',
        ['tools/train.py', TRAIN_CONFIG, '--data', identities]
        + ['--work-dir', cion, '--resume', '--cfg-options']
        + [f'train_dataloader.batch_size={batch}']
        + [f'model.backbone_checkpoint={path}' for path in weights],
        cion,
    )
    last = cion / f'epoch_{cfg.train_cfg.max_epochs}.pth'
    yield test('after', 'zero-shot_mobilenet-v2', last)


def batch_size(loader: dict[str, Any], work_dir: Path) -> int:
    """Return the batch size that the identities found allow.

    Args:
        loader: ``train_dataloader`` of the config.
        work_dir: Folder of all output.
    """
    from mmcion.utils.checks import UserError
    from mmcion.utils.io import read_json

    report = read_json(work_dir / 'identities' / 'report.json')
    identities = report['export']['identities']
    if identities < 2:
        raise UserError(
            f'{identities} identity is too few to learn from: give a longer '
            f'video, or one with more people.'
        )
    num_instances = loader['batch_sampler']['num_instances']
    return min(loader['batch_size'], identities * num_instances)


class Chain:
    """Runs steps in order, once each.

    A step is done when its command and all steps before it are the same as
    when it finished. What a step wrote with other code, or after other steps,
    is deleted before it runs again; a finished folder of another command, such
    as one for other videos, is kept.

    Args:
        work_dir: Folder of all output; records are in ``<work_dir>/steps``.
    """

    def __init__(self, work_dir: Path) -> None:
        from mmcion.utils.io import hash_file, hash_value

        self.records = work_dir / 'steps'
        self.commands: list[str] = []
        code = [
            path
            for folder in ('mmcion', 'configs', 'tools')
            for path in sorted((ROOT / folder).rglob('*.py'))
        ]
        self.key = hash_value([(path.name, hash_file(path)) for path in code])

    def run(self, step: Step) -> None:
        """Run a step unless it is done.

        Raises:
            UserError: If the command fails, and must not, or the work dir
                has finished results of another command.
        """
        from mmcion.utils.checks import UserError
        from mmcion.utils.io import hash_value, read_json, write_json

        # the key covers the code, this command and all commands before it
        command = [str(argument) for argument in step.command]
        shown = 'python ' + shlex.join(command)
        self.commands.append(shown)
        self.key = hash_value([self.key, command])
        record = self.records / f'{step.name}.json'
        state = read_json(record) if record.exists() else {}
        same = state.get('key') == self.key
        print(f'\n=== {step.name}\n$ {shown}', flush=True)
        if same and state['done'] and step.output.exists():
            print('done before', flush=True)
            return
        earlier = state.get('command', shown)
        if state.get('done') and earlier != shown and step.output.is_dir():
            raise UserError(
                f'{step.output} has results of another command: {earlier}. '
                f'Give a new --work-dir.'
            )
        # same key, not done: the command resumes from what it has written
        if not same and step.output.is_dir():
            shutil.rmtree(step.output)
        elif not same:
            step.output.unlink(missing_ok=True)
        write_json(record, {'key': self.key, 'done': False})
        began = time.monotonic()
        result = subprocess.run(
            [sys.executable, *command], cwd=ROOT, preexec_fn=die_with_parent
        )
        seconds = round(time.monotonic() - began, 1)
        if not result.returncode:
            state = {'key': self.key, 'done': True, 'seconds': seconds}
            write_json(record, {**state, 'command': shown})
            print(f'{step.name}: {seconds:.0f} s', flush=True)
        elif step.otherwise:
            print(step.otherwise, flush=True)
        else:
            raise UserError(
                f'{step.name} failed with status {result.returncode}. Fix the '
                f'cause and run the same command again: finished steps are '
                f'kept.'
            )


def die_with_parent() -> None:
    """Ask Linux to end this process when the quickstart is killed.

    Otherwise a step would continue alone and write to the next run's files.
    """
    if sys.platform == 'linux':
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def choose_input(args: argparse.Namespace, work_dir: Path) -> Input:
    """Return the user's videos, the sample video, or a drawn one."""
    from mmcion.utils.downloads import DownloadError, fetch_file

    if args.videos:
        # one recording is cut into clips: cross-video links need several
        single = len(args.videos) == 1 and Path(args.videos[0]).is_file()
        return Input(
            [str(Path(video).resolve()) for video in args.videos],
            f'your own: {", ".join(args.videos)}',
            clips=4 if single else 1,
            extract_options=['--stride', '2'],
        )
    if not args.synthetic:
        try:
            return Input(
                [str(fetch_file('vtest.avi'))],
                "vtest.avi from OpenCV's packages, the sequence PETS2009 "
                'S2.L1 view 1 (a research data set, fetched at run time)',
                extract_options=['--stride', '2'],
            )
        except DownloadError as error:
            print(f'{error}\nDrawing a video instead of the sample video.')

    from mmcion.testing import write_synthetic_video

    video = work_dir / 'synthetic' / 'street.avi'
    truth = video.with_name('street_gt.csv')
    if not (video.exists() and truth.exists()):
        truth = write_synthetic_video(video)
    return Input(
        [str(video)],
        'drawn by the project itself: no real people, identities known',
        # the figures are small for the detector, so it looks at two halves
        extract_options=['--cfg-options', 'detector.tiles=(2,1)'],
        truth=str(truth),
    )


def choose_detector(chosen: Input, work_dir: Path) -> None:
    """Take the default detector, or what works without its weights."""
    from mmcion.utils.downloads import DownloadError, fetch_file

    try:
        fetch_file('efficientdet_lite2.tflite')
        chosen.detector = 'EfficientDet-Lite2'
        return
    except DownloadError as error:
        print(error)
    if chosen.truth:
        # the true boxes are known: add the errors of a mediocre detector
        import numpy as np

        from mmcion.testing import synthetic_detections
        from mmcion.utils.io import atomic_file

        boxes = work_dir / 'synthetic' / 'street.txt'
        with atomic_file(boxes) as temporary:
            rows = synthetic_detections(chosen.truth)
            np.savetxt(temporary, rows, '%g', ',')
        chosen.extract_options = ['--boxes', str(boxes)]
        chosen.detector = 'simulated boxes: the true ones with errors'
    else:
        chosen.extract_options += ['--detector', 'hog']
        chosen.detector = "OpenCV's HOG people detector"
    print(f'Using {chosen.detector}.')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--videos', nargs='+', help='videos or folders')
    what.add_argument(
        '--synthetic', action='store_true', help='draw a video with truth'
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/quickstart', help='all output'
    )
    return parser.parse_args()


def main() -> None:
    """Run the chain and write the report."""
    args = parse_args()
    os.chdir(ROOT)
    from mmcion.utils.io import write_json

    began = time.monotonic()
    work_dir = Path(args.work_dir)
    chosen = choose_input(args, work_dir)
    choose_detector(chosen, work_dir)
    print(f'Input: {chosen.description}\nDetector: {chosen.detector}')
    facts = {'input': chosen.description, 'detector': chosen.detector}
    chain = Chain(work_dir)
    for step in list_steps(chosen, work_dir, facts):
        chain.run(step)
    facts['commands'] = chain.commands
    write_json(work_dir / 'quickstart.json', facts)
    command = ['tools/quickstart_report.py', str(work_dir)]
    print(f'\n=== report\n$ python {shlex.join(command)}', flush=True)
    if subprocess.run([sys.executable, *command]).returncode:
        sys.exit('The report failed; the results above are complete.')
    print(f'\nAll done in {time.monotonic() - began:.0f} s.')


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
