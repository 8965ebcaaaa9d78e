"""Walk a video through the whole chain and write a report.

Every step is one of the toolbox's own commands and is printed, so that it
can be repeated by hand. Finished steps are not run again: a second start goes
on where the first one stopped.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

EXAMPLE = """examples:
  python tools/quickstart.py                       # the sample video
  python tools/quickstart.py --videos mine.mp4     # your own
  python tools/quickstart.py --synthetic           # drawn figures, no network
"""
TRAIN_CONFIG = 'configs/cion/cion_mobilenet-v2_1xb48-5e_clips-128x64.py'
EPOCHS, BATCH_SIZE, INSTANCES = 5, 48, 8


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


@dataclass
class Input:
    """What the chain starts from.

    Attributes:
        videos: files or folders.
        description: what they are, for the report.
        clips: pieces that each recording is cut into.
        extract_options: of ``tools/extract_tracklets.py``.
        detector: what finds the people, for the report.
        truth: CSV of true boxes, if they are known.
    """

    videos: list[str]
    description: str
    clips: int = 4
    extract_options: list[str] = field(default_factory=list)
    detector: str = ''
    truth: str | None = None


class StepFailed(Exception):
    """A step's command ended with an error, which it has printed."""


class Chain:
    """Runs commands in order, once each.

    A step is done when its command and all steps before it are the same as
    when it finished. What a step wrote under other circumstances is deleted
    before it runs again.

    Args:
        work_dir: steps are remembered in ``<work_dir>/steps``.
    """

    def __init__(self, work_dir: Path) -> None:
        self.steps_dir = work_dir / 'steps'
        self.commands: list[str] = []
        self.key = code_hash()

    def run(self, name: str, command: Sequence[str], output: Path) -> None:
        """Run ``python COMMAND`` unless it is done.

        Raises:
            StepFailed: if the command fails.
        """
        from mmcion.utils.io import hash_value, read_json, write_json

        shown = 'python ' + shlex.join(command)
        self.commands.append(shown)
        self.key = hash_value([self.key, list(command)])
        stamp = self.steps_dir / f'{name}.json'
        state = read_json(stamp) if stamp.exists() else {}
        same = state.get('key') == self.key
        print(f'\n=== {name}\n$ {shown}', flush=True)
        if same and state['done'] and output.exists():
            print('done before', flush=True)
            return
        if not same:
            remove(output)
        write_json(stamp, {'key': self.key, 'done': False})
        began = time.monotonic()
        result = subprocess.run(
            [sys.executable, *command], cwd=ROOT, preexec_fn=die_with_parent
        )
        if result.returncode:
            raise StepFailed(f'{name} failed with status {result.returncode}')
        seconds = round(time.monotonic() - began, 1)
        state = {'key': self.key, 'done': True, 'seconds': seconds}
        write_json(stamp, state)
        print(f'{name}: {seconds:.0f} s', flush=True)


def die_with_parent() -> None:
    """Ask Linux to end this process when the quickstart is killed.

    Otherwise a step would go on alone and meet the next run in its files.
    """
    if sys.platform == 'linux':
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def code_hash() -> str:
    """Return a hash of the code that the chain runs."""
    from mmcion.utils.io import hash_file, hash_value

    files = [
        path
        for folder in ('mmcion', 'configs', 'tools')
        for path in sorted((ROOT / folder).rglob('*.py'))
    ]
    return hash_value([(path.name, hash_file(path)) for path in files])


def remove(path: Path) -> None:
    """Delete a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def choose_input(args: argparse.Namespace, work_dir: Path) -> Input:
    """Return the user's videos, the sample video, or a drawn one."""
    from mmcion.utils.downloads import DownloadError, fetch_file

    if args.videos:
        single = len(args.videos) == 1 and Path(args.videos[0]).is_file()
        chosen = Input(
            [str(Path(video).resolve()) for video in args.videos],
            f'your own: {", ".join(args.videos)}',
            clips=4 if single else 1,
            extract_options=['--stride', '2'],
        )
    elif args.synthetic:
        chosen = synthetic_input(work_dir)
    else:
        try:
            chosen = Input(
                [str(fetch_file('vtest.avi'))],
                "vtest.avi from OpenCV's packages, the sequence PETS2009 "
                'S2.L1 view 1 (a research data set, fetched at run time)',
                extract_options=['--stride', '2'],
            )
        except DownloadError as error:
            print(f'{error}\nThe sample video cannot be had; drawing one.')
            chosen = synthetic_input(work_dir)
    choose_detector(chosen, work_dir)
    return chosen


def synthetic_input(work_dir: Path) -> Input:
    """Draw a street with walking figures, whose identities are known."""
    from mmcion.testing import write_synthetic_video

    video = work_dir / 'synthetic' / 'street.avi'
    truth = video.with_name('street_gt.csv')
    if not (video.exists() and truth.exists()):
        truth = write_synthetic_video(video)
    # the figures are small for the detector, so it looks at two halves
    return Input(
        [str(video)],
        'drawn by the project itself: no real people, identities known',
        extract_options=['--cfg-options', 'detector.tiles=(2,1)'],
        truth=str(truth),
    )


def choose_detector(chosen: Input, work_dir: Path) -> None:
    """Take the default detector, or what works without its weights."""
    from mmcion.utils.downloads import DownloadError, fetch_file

    try:
        fetch_file('efficientdet_lite2.tflite')
        chosen.detector = 'EfficientDet-Lite2'
    except DownloadError as error:
        print(error)
        if chosen.truth:
            boxes = write_simulated_boxes(Path(chosen.truth), work_dir)
            chosen.extract_options = ['--boxes', str(boxes)]
            chosen.detector = 'simulated boxes: the true ones, made worse'
        else:
            chosen.extract_options += ['--detector', 'hog']
            chosen.detector = "OpenCV's HOG people detector"
        print(f'The default detector cannot be had; using {chosen.detector}.')


def write_simulated_boxes(truth: Path, work_dir: Path) -> Path:
    """Write boxes as a mediocre detector would find them."""
    import numpy as np

    from mmcion.utils.io import atomic_file
    from mmcion.testing import synthetic_detections

    boxes = work_dir / 'synthetic' / 'street.txt'
    with atomic_file(boxes) as temporary:
        np.savetxt(temporary, synthetic_detections(truth), '%g', ',')
    return boxes


def initial_weights(chain: Chain, work_dir: Path) -> str | None:
    """Return a checkpoint for the backbone to start from, if any."""
    checkpoint = work_dir / 'mobilenetv2_imagenet.pth'
    tool = 'tools/model_converters/deepsort_to_mmcion.py'
    try:
        chain.run('initial_weights', [tool, str(checkpoint)], checkpoint)
    except StepFailed:
        print('No ImageNet weights can be had: the backbone starts anew.')
        return None
    return str(checkpoint)


def split_people(
    chain: Chain, chosen: Input, table: Path, work_dir: Path
) -> tuple[Path, str]:
    """Make queries and gallery; return the file and where labels are from."""
    split = work_dir / 'query_gallery.csv'
    command = ['tools/dataset_converters/tracklets2reid.py', str(table)]
    command += ['--out', str(split)]
    if chosen.truth:
        chain.run('split', [*command, '--truth', chosen.truth], split)
        return split, 'truth'
    try:
        chain.run('split', command, split)
        return split, 'tracks'
    except StepFailed:
        print('Too few people walk across a cut: taking found identities.')
    found = work_dir / 'identities' / 'identity.npy'
    chain.run('split', [*command, '--identities', str(found)], split)
    return split, 'found'


def train_options(work_dir: Path, weights: str | None) -> list[str]:
    """Return the overrides of the training config."""
    report = json.loads((work_dir / 'identities/report.json').read_text())
    identities = report['export']['identities']
    if identities < 2:
        raise StepFailed(
            f'{identities} identity is too few to learn from: give a longer '
            f'video, or one with more people.'
        )
    batch = min(BATCH_SIZE, identities * INSTANCES)
    options = [
        f'train_dataloader.dataset.ann_file={work_dir}/identities/annotation',
        f'train_dataloader.dataset.data_root={work_dir}/tracklets/crops',
        f'train_dataloader.batch_size={batch}',
        f'train_dataloader.sampler.batch_size={batch}',
    ]
    if weights:
        options.append(f'model.backbone_checkpoint={weights}')
    return options


def run_chain(chosen: Input, work_dir: Path) -> dict[str, Any]:
    """Run all steps; return what the report needs to know."""
    chain = Chain(work_dir)
    tracklets, features = work_dir / 'tracklets', work_dir / 'features'
    identities, cion = work_dir / 'identities', work_dir / 'cion'
    table = tracklets / 'table'
    chain.run(
        'tracklets',
        ['tools/extract_tracklets.py', *chosen.videos, '--out', str(tracklets)]
        + ['--clips', str(chosen.clips), *chosen.extract_options],
        tracklets,
    )
    chain.run(
        'features',
        ['tools/extract_features.py', str(table), '--out', str(features)],
        features,
    )
    chain.run(
        'identities',
        ['tools/denoise.py', 'configs/denoise/three-levels_auto.py']
        + ['--table', str(table), '--features', str(features)]
        + ['--out', str(identities)],
        identities,
    )
    split, labels = split_people(chain, chosen, table, work_dir)
    weights = initial_weights(chain, work_dir)

    def test(name: str, config: str, checkpoint: str | None = None) -> None:
        folder = work_dir / 'scores' / name
        chain.run(
            f'test_{name}',
            ['tools/test.py', f'configs/eval/{config}_128x64.py']
            + ([checkpoint] if checkpoint else [])
            + ['--work-dir', str(folder), '--out', str(folder / 'scores.json')]
            + ['--dump-features', str(folder / 'features.npz')]
            + ['--cfg-options', f'test_dataloader.dataset.ann_file={split}']
            + [f'test_dataloader.dataset.data_root={tracklets}/crops'],
            folder / 'scores.json',
        )

    test('colour', 'zero-shot_color-stripes')
    test('before', 'zero-shot_mobilenet-v2', weights)
    chain.run(
        'pretraining',
        ['tools/train.py', TRAIN_CONFIG, '--work-dir', str(cion), '--resume']
        + ['--cfg-options', *train_options(work_dir, weights)],
        cion,
    )
    test('after', 'zero-shot_mobilenet-v2', str(cion / f'epoch_{EPOCHS}.pth'))
    return {
        'input': chosen.description,
        'detector': chosen.detector,
        'labels': labels,
        'start': 'ImageNet weights' if weights else 'random weights',
        'commands': chain.commands,
    }


def main() -> None:
    """Run the chain, write the report, say what came out."""
    args = parse_args()
    os.chdir(ROOT)
    from mmcion.utils.io import write_json

    began = time.monotonic()
    work_dir = Path(args.work_dir)
    try:
        chosen = choose_input(args, work_dir)
        print(f'Input: {chosen.description}\nDetector: {chosen.detector}')
        facts = run_chain(chosen, work_dir)
        write_json(work_dir / 'quickstart.json', facts)
        command = ['tools/quickstart_report.py', str(work_dir)]
        print(f'\n=== report\n$ python {shlex.join(command)}', flush=True)
        subprocess.run([sys.executable, *command], check=True)
    except (StepFailed, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f'\n{error}. Mend the cause and run the same command again: '
            f'finished steps are kept.'
        ) from None
    except KeyboardInterrupt:
        raise SystemExit(
            '\nStopped. Run the same command again to go on.'
        ) from None
    print(f'\nAll done in {time.monotonic() - began:.0f} s.')


if __name__ == '__main__':
    main()
