"""Pack millions of image files into a few tar files."""

import argparse
from pathlib import Path

EXAMPLE = """examples:
  python tools/dataset_converters/pack_images.py \\
      data/CION_AL/cional_annos.json --out data/CION_AL_tar
  python tools/dataset_converters/pack_images.py work_dirs/mine/table \\
      --out data/mine_tar
  # tar files that exist already
  python tools/dataset_converters/pack_images.py --index data/shards

The out folder takes the place of the image root: data_root of a config,
image_root of a table. Annotations stay as they are. Written there: tar files
with index/, and packed.json, which lists what was missing. The same command
resumes a run that was stopped.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_overwrite, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument(
        'source',
        nargs='?',
        help='annotation (folder or JSON), TrackletTable or image folder',
    )
    parser.add_argument('--out', metavar='DIR', help='folder to write')
    parser.add_argument(
        '--image-root',
        metavar='DIR',
        help="folder that paths are relative to (default: the table's, the "
        'folder of the annotation, or the image folder)',
    )
    parser.add_argument(
        '--shard-mb', type=float, default=1024, help='size of a tar file'
    )
    parser.add_argument(
        '--shuffle',
        type=int,
        metavar='SEED',
        help='random order, for readers that read from front to back',
    )
    parser.add_argument(
        '--max-missing',
        type=int,
        default=0,
        metavar='N',
        help='stop if more images are missing, empty or unreadable',
    )
    parser.add_argument(
        '--threads', type=int, default=8, help='threads that read images'
    )
    parser.add_argument(
        '--verify',
        type=int,
        default=1000,
        metavar='N',
        help='number of images to read back and compare',
    )
    add_overwrite(parser, 'other images in the out folder')
    parser.add_argument(
        '--index',
        metavar='DIR',
        help='only index the tar files of a folder',
    )
    args = parser.parse_args()
    if bool(args.index) == bool(args.source and args.out):
        parser.error('give SOURCE and --out, or --index alone')
    return args


def index(folder: Path) -> None:
    """Index tar files that were made elsewhere."""
    from mmcion.datasets.tar_images import tar_members, write_index
    from mmcion.utils.checksums import update_checksums
    from mmcion.utils.progress import progress_bar

    files = sorted(folder.glob('*.tar'))
    if not files:
        raise FileNotFoundError(f'{folder} has no tar files.')
    bar = progress_bar(files, desc='index', unit='tar')
    count = write_index(folder, ((f.name, *tar_members(f)) for f in bar))
    update_checksums(folder, [file.name for file in files])
    print(f'{folder}: {count:,} images in {len(files):,} tar files')


def main() -> None:
    """Pack and check."""
    args = parse_args()
    if args.index:
        index(Path(args.index))
        return
    import numpy as np

    from mmcion.datasets import open_images
    from mmcion.datasets.image_packing import (
        compare_packed,
        images_to_pack,
        pack_images,
    )
    from mmcion.utils.paths import printable

    paths, root = images_to_pack(args.source, args.image_root)
    if args.shuffle is not None:
        paths = np.random.default_rng(args.shuffle).permutation(paths)
    images = open_images(root)
    done = pack_images(
        paths,
        images,
        args.out,
        shard_mb=args.shard_mb,
        max_missing=args.max_missing,
        num_threads=args.threads,
        overwrite=args.overwrite,
    )
    missing = done.pop('missing')
    counts = ', '.join(f'{count:,} {name}' for name, count in done.items())
    print(f'{args.out}: {counts}')
    if missing:
        print(
            f'  {len(missing):,} missing or unreadable, such as '
            f'{printable(missing[0])}; '
            f'all of them in {Path(args.out) / "packed.json"}'
        )
    compared = compare_packed(
        paths, images, args.out, missing=missing, num_images=args.verify
    )
    print(f'  {compared:,} images read back, equal to their source')


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
