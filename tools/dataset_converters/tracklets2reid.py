"""Make a query and gallery split of a tracklet table."""

import argparse
import os

EXAMPLE = """examples:
  # tracks across the cuts of a recording: labels do not depend on looks
  python tools/dataset_converters/tracklets2reid.py tracklets/table \\
      --out query_gallery.csv
  # true boxes of the recording, or identities of denoising
  python tools/dataset_converters/tracklets2reid.py tracklets/table \\
      --truth gt.csv --out query_gallery.csv
  python tools/dataset_converters/tracklets2reid.py tracklets/table \\
      --identities identities/identity.npy --out query_gallery.csv

Paths in the CSV are relative to the table's image folder: give that as
data_root. The camera of an image is its video.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import add_out_options, tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('table', help='folder of a TrackletTable')
    add_out_options(parser, 'CSV')
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument('--truth', help='CSV frame,id,x,y,w,h of true boxes')
    parser.add_argument(
        '--persons', help='CSV id,person: which ids are one person'
    )
    labels.add_argument('--identities', help='.npy, one label per row')
    parser.add_argument('--images-per-camera', type=int, default=20)
    parser.add_argument('--queries-per-camera', type=int, default=4)
    return parser.parse_args()


def main() -> None:
    """Write the split."""
    args = parse_args()
    from mmcion.evaluation import (
        match_truth,
        query_gallery_split,
        read_truth,
        tracks_across_cuts,
    )
    from mmcion.structures import IdentityLabels, TrackletTable
    from mmcion.utils.checks import check_same_length
    from mmcion.utils.cli import check_out_file
    from mmcion.utils.io import write_csv
    from mmcion.utils.paths import utf8_path

    check_out_file(args.out, '.csv', overwrite=args.overwrite)
    table = TrackletTable.load(args.table)
    if args.truth:
        pid = match_truth(table, read_truth(args.truth, args.persons))
    elif args.identities:
        pid = IdentityLabels.load(args.identities).identity
    else:
        pid = tracks_across_cuts(table)
    check_same_length(table=table, identities=pid)
    rows, is_query = query_gallery_split(
        pid,
        table.video_id,
        images_per_camera=args.images_per_camera,
        queries_per_camera=args.queries_per_camera,
    )
    lines = [('path', 'pid', 'cam_id', 'split')]
    for row, query in zip(rows, is_query, strict=True):
        split = 'query' if query else 'gallery'
        path = utf8_path(os.fsdecode(table.path[row]))
        lines.append((path, pid[row], table.video_id[row], split))
    write_csv(args.out, lines)
    print(
        f'{args.out}: {len(set(pid[rows].tolist()))} identities, '
        f'{is_query.sum()} queries, {(~is_query).sum()} gallery images; '
        f'data_root is {table.image_root}'
    )


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
