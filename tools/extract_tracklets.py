"""Extract the crops of tracked people from videos; make a tracklet table."""

import argparse
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).resolve().parents[1] / 'configs' / 'tracklets'
DETECTORS = {
    'efficientdet': CONFIGS / 'efficientdet-lite2_bytetrack.py',
    'hog': CONFIGS / 'hog_bytetrack.py',
    'boxes': CONFIGS / 'boxes-from-files.py',
}
EXAMPLE = """examples:
  python tools/extract_tracklets.py videos/ --out work_dirs/tracklets \\
      --stride 5
  torchrun --nproc-per-node 4 tools/extract_tracklets.py videos/ \\
      --out work_dirs/tracklets --launcher pytorch

A second run with the same settings and videos continues where the first one
stopped. Other settings or videos need another folder, or --overwrite.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import (
        add_cfg_options,
        add_launcher,
        add_overwrite,
        tool_parser,
    )

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'videos', nargs='+', metavar='VIDEO_OR_FOLDER', help='videos'
    )
    parser.add_argument('--out', required=True, help='folder to write to')
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        '--detector',
        choices=sorted(DETECTORS),
        help='config of configs/tracklets (default: efficientdet)',
    )
    which.add_argument(
        '--config', help='own config of detector, tracker and settings'
    )
    parser.add_argument(
        '--boxes',
        metavar='FILE_OR_DIR',
        help='files of boxes to use (implies --detector boxes)',
    )
    parser.add_argument(
        '--clips',
        type=int,
        help='number of pieces of a video that count as videos',
    )
    parser.add_argument(
        '--stride', type=int, help='take crops from every n-th frame'
    )
    parser.add_argument(
        '--min-length', type=int, help='least number of images of a tracklet'
    )
    parser.add_argument(
        '--min-height', type=int, help='least height of a box in pixels'
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=1,
        help='number of processes (of each rank)',
    )
    parser.add_argument(
        '--save-video',
        action='store_true',
        help='write each video with its tracks drawn, too (.mp4)',
    )
    add_overwrite(parser, 'other tracklets in the out folder')
    add_cfg_options(parser)
    add_launcher(parser)
    args = parser.parse_args()
    if args.boxes and args.detector not in (None, 'boxes'):
        parser.error('--boxes replaces the detector; omit --detector')
    return args


def load_config(args: argparse.Namespace) -> Any:
    """Read the config and apply the options of the command line."""
    from mmcion.utils.checks import UserError
    from mmcion.utils.cli import override, read_config

    chosen = args.detector or ('boxes' if args.boxes else 'efficientdet')
    path = args.config or DETECTORS[chosen]
    cfg = read_config(path)
    # short options first: --cfg-options has the last word
    if args.boxes:
        if 'boxes' not in cfg.detector:
            raise UserError(
                f'--boxes needs a config such as {DETECTORS["boxes"]}; '
                f'{path} has {cfg.detector.type}, which reads no files.'
            )
        cfg.detector.boxes = args.boxes
    for name in ('clips', 'stride', 'min_length', 'min_height'):
        if getattr(args, name) is not None:
            cfg.extractor[name] = getattr(args, name)
    override(cfg, args.cfg_options, path)
    unknown = set(cfg) - {'detector', 'tracker', 'extractor', 'custom_imports'}
    if unknown:
        raise UserError(
            f'{path}: unknown settings {sorted(unknown)}; those of the '
            f'extractor are given as extractor.KEY=VALUE.'
        )
    return cfg


def main() -> None:
    """Extract."""
    args = parse_args()
    cfg = load_config(args)

    import cv2
    import torch
    from mmengine.logging import MMLogger

    from mmcion.utils.dist import ranks
    from mmcion.video import TrackletExtractor

    extractor = TrackletExtractor(
        cfg.detector.to_dict(), cfg.tracker.to_dict(), **cfg.extractor
    )
    with ranks(args.launcher, gloo=True):
        MMLogger.get_instance('mmcion')  # which knows the rank
        if args.launcher != 'none':  # it has set the threads of torch
            cv2.setNumThreads(torch.get_num_threads())
        extractor.run(
            args.videos,
            args.out,
            workers=args.workers,
            save_video=args.save_video,
            overwrite=args.overwrite,
        )


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
