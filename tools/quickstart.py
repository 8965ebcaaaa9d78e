"""Walk a video through the whole chain and write a report.

Every step is one of the toolbox's own commands and is printed, so that it
can be repeated by hand. Finished steps are not run again: a second start
continues where the first one stopped. Output of the steps is in
WORK_DIR/logs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from mmcion.utils.chain import Step

ROOT = Path(__file__).resolve().parents[1]

EXAMPLE = """examples:
  python tools/quickstart.py                       # the sample video
  python tools/quickstart.py --videos mine.mp4     # your own
  python tools/quickstart.py --synthetic           # drawn figures, no network
  python tools/quickstart.py --rounds 2            # and with the new features
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


def list_steps(
    chosen: Input, work_dir: Path, facts: dict[str, Any], rounds: int = 1
) -> Iterator[Step]:
    """Yield the chain; each step sees what the ones before it have written.

    Args:
        chosen: Videos to start from.
        work_dir: Folder of all output.
        facts: Receives what the report needs to know.
        rounds: Most rounds of denoising and pre-training.
    """
    from mmcion.apis.rounds import Rounds, RoundSettings
    from mmcion.utils.chain import Step

    tools = Path(os.path.relpath(ROOT / 'tools'))
    tracklets, split = work_dir / 'tracklets', work_dir / 'query_gallery.csv'
    table = tracklets / 'table'
    yield Step(
        'tracklets',
        [tools / 'extract_tracklets.py', *chosen.videos, '--out', tracklets]
        + ['--clips', chosen.clips, *chosen.extract_options],
        tracklets,
    )
    checkpoint = work_dir / 'mobilenetv2_imagenet.pth'
    yield Step(
        'initial_weights',
        [tools / 'model_converters/deepsort_to_mmcion.py', checkpoint],
        checkpoint,
        'Without ImageNet weights the backbone starts from random ones.',
    )
    weights = [checkpoint] if checkpoint.exists() else []
    facts['start'] = 'ImageNet weights' if weights else 'random weights'

    # features, identities and pre-training
    settings = RoundSettings(
        table,
        work_dir,
        TRAIN_CONFIG,
        'configs/denoise/three-levels_auto.py',
        tools,
        max_rounds=rounds,
        train_options=[f'model.backbone_checkpoint={x}' for x in weights],
    )
    found = Rounds(settings, true_identities(chosen, table))
    yield from found.steps()

    # Labels of the test set: the truth if it is known, else tracks that cross
    # the cut between two clips, else the identities that were found.
    command: list[Any]
    command = [tools / 'dataset_converters/tracklets2reid.py', table]
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
        identities = work_dir / found.result['identities'] / 'identity.npy'
        command += ['--identities', identities]
        yield Step('split', command, split)

    # the baseline without a network, then the network that training starts
    # from, so that the last score shows what training has added
    networks = {'colour': [], 'before': weights}
    for each in found.rounds:
        if each.paths['weights']:
            name = 'after' if each.number == 1 else f'after_{each.number}'
            networks[name] = [work_dir / each.paths['weights']]
    facts['networks'] = list(networks)
    for name, model in networks.items():
        folder = work_dir / 'scores' / name
        kind = 'color-stripes' if name == 'colour' else 'mobilenet-v2'
        yield Step(
            f'test_{name}',
            [tools / 'test.py', f'configs/eval/zero-shot_{kind}_128x64.py']
            + [*model, '--work-dir', folder, '--out', folder / 'scores.json']
            + ['--dump-features', folder / 'features.npz']
            + ['--cfg-options', f'test_dataloader.dataset.ann_file={split}']
            + [f'test_dataloader.dataset.data_root={tracklets}/crops'],
            folder / 'scores.json',
        )


def true_identities(chosen: Input, table: Path) -> np.ndarray | None:
    """Return ``(N,)`` true identities of a table, if they are known."""
    from mmcion.evaluation import match_truth, read_truth
    from mmcion.structures import TrackletTable

    if chosen.truth is None:
        return None
    return match_truth(TrackletTable.load(table), read_truth(chosen.truth))


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
    from mmcion.utils.cli import add_verbose, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    what = parser.add_mutually_exclusive_group()
    what.add_argument('--videos', nargs='+', help='videos or folders')
    what.add_argument(
        '--synthetic', action='store_true', help='draw a video with truth'
    )
    parser.add_argument(
        '--rounds',
        type=int,
        default=1,
        metavar='N',
        help='denoise and pre-train again with the features of the network '
        'that was just trained, in up to N rounds (default: 1)',
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/quickstart', help='all output'
    )
    add_verbose(parser, 'output of the steps')
    return parser.parse_args()


def main() -> None:
    """Run the chain and write the report."""
    args = parse_args()
    from mmcion.utils.chain import Chain, hash_code
    from mmcion.utils.checks import check_at_least
    from mmcion.utils.io import write_json
    from mmcion.utils.packaged import PACKAGE, show_command

    check_at_least(1, rounds=args.rounds)
    began = time.monotonic()
    work_dir = Path(args.work_dir)
    chosen = choose_input(args, work_dir)
    choose_detector(chosen, work_dir)
    print(f'Input: {chosen.description}\nDetector: {chosen.detector}')
    facts = {'input': chosen.description, 'detector': chosen.detector}
    # a demo takes minutes: with other code it is made again
    code = hash_code(PACKAGE, ROOT / 'configs', ROOT / 'tools')
    chain = Chain(work_dir, code, replace=True, verbose=args.verbose)
    print(f'Output of the steps: {chain.logs}')
    for step in list_steps(chosen, work_dir, facts, args.rounds):
        chain.run(step)
    facts['commands'] = chain.commands
    write_json(work_dir / 'quickstart.json', facts)
    tool = os.path.relpath(ROOT / 'tools' / 'quickstart_report.py')
    command = [tool, str(work_dir)]
    print(f'\n=== report\n$ {show_command(command)}', flush=True)
    if subprocess.run([sys.executable, *command]).returncode:
        sys.exit('The report failed; the results above are complete.')
    print(f'\nAll done in {time.monotonic() - began:.0f} s.')


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
