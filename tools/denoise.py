"""Denoise tracklets into identities, and write them as annotations."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmcion.structures import IdentityLabels, TrackletTable


RESULTS = (
    *('identity.npy', 'cion_annos.json', 'appearances.csv'),
    *('report.json', 'report.html'),
)
EXPORT_OPTIONS = (
    'min_images_per_identity',
    'min_videos',
    'max_images_per_identity',
    'max_images',
    'seed',
)
EXAMPLE = """examples:
  python tools/denoise.py configs/denoise/three-levels_auto.py \\
      --table work_dirs/tracklets/table --features work_dirs/features \\
      --out work_dirs/identities
  torchrun --nproc-per-node 4 tools/denoise.py CONFIG ... --launcher pytorch

Finished levels are kept, and the finished chunks of an interrupted one; the
same command resumes after them. Other settings or inputs need another folder
or --overwrite; export options may change. In the out folder: annotation/ (for
pre-training), cion_annos.json (the published format), identity.npy (one per
row of the table), appearances.csv (who is seen in which video, and when), mot/
(identities as tracks, MOTChallenge text), report.json, and report.html to look
at. tools/find_person.py finds the person of a crop among the identities.
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
    parser.add_argument('config', help='pipeline of denoisers (.py)')
    parser.add_argument(
        '--table', required=True, help='folder of a TrackletTable'
    )
    parser.add_argument(
        '--features', required=True, help='folder of its FeatureStore'
    )
    parser.add_argument('--out', required=True, help='folder to write to')
    add_overwrite(
        parser,
        'identities in the out folder that other settings or inputs gave',
    )
    add_cfg_options(parser)
    add_launcher(parser)
    return parser.parse_args()


def main() -> None:
    """Denoise."""
    args = parse_args()
    from mmengine.dist import is_main_process
    from mmengine.logging import MMLogger

    from mmcion.apis.denoise import denoise
    from mmcion.structures import FeatureStore, TrackletTable
    from mmcion.utils.checks import check_at_least, check_choice
    from mmcion.utils.cli import read_config
    from mmcion.utils.dist import ranks

    cfg = read_config(args.config, args.cfg_options)
    export = cfg.get('export', {})
    for name, value in export.items():
        check_choice('export option', name, EXPORT_OPTIONS)
        check_at_least(0, **{f'export.{name}': value})
    table = TrackletTable.load(args.table)
    features = FeatureStore.open(args.features)
    with ranks(args.launcher, gloo=True):
        MMLogger.get_instance('mmcion')
        labels = denoise(
            table,
            features,
            cfg,
            work_dir=args.out,
            overwrite=args.overwrite,
        )
        if is_main_process():
            out = Path(args.out)
            # relative, so that all can be moved together
            for name in ('table', 'features'):
                folder = Path(getattr(args, name)).resolve()
                labels.report['inputs'][f'{name}_folder'] = os.path.relpath(
                    folder, out.resolve()
                )
            write_results(table, labels, export, out)


def write_results(
    table: TrackletTable,
    labels: IdentityLabels,
    export: dict[str, int],
    out: Path,
) -> None:
    """Write identities, annotations, tracks, appearances and reports.

    Args:
        table: N images.
        labels: Their identities.
        export: Arguments of ``export_annotation``.
        out: Folder to write to.
    """
    from mmcion.apis.reports import report_denoising
    from mmcion.denoising import export_annotation, export_tracks
    from mmcion.structures import Appearances
    from mmcion.utils.checks import UserError
    from mmcion.utils.checksums import CHECKSUMS, write_checksums
    from mmcion.utils.io import write_json

    problem = annotation = None
    counts = {
        'images': int(labels.keep.sum()),
        'identities': labels.num_identities,
    }
    if table.path is None:
        print('the table has no image paths, so there is no annotation')
    else:
        try:
            annotation, counts = export_annotation(table, labels, **export)
            labels.report['export'] = counts
        except UserError as error:
            if (out / 'annotation').exists():
                raise  # results of other export options stay
            problem = error  # raised when the report that explains it is there
    # results of an earlier run go first, so that the files belong together
    for name in ('annotation', 'mot'):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (CHECKSUMS, *RESULTS):
        (out / name).unlink(missing_ok=True)
    labels.save(out / 'identity.npy')
    if annotation is not None:
        annotation.save(out / 'annotation')
        annotation.to_cion_json(out / 'cion_annos.json')
    if table.box is not None:
        left_out = export_tracks(table, labels, out / 'mot')
        if left_out:
            print(
                f'mot/: {left_out} boxes left out, because their identity has '
                f'one of a higher score in the same frame'
            )
    appearances = Appearances.from_labels(table, labels.identity)
    appearances.save(out / 'appearances.csv', table)
    write_json(out / 'report.json', labels.report)
    report_denoising(table, labels, out / 'report.html')
    write_checksums(out, RESULTS)
    if problem is not None:
        raise problem
    print(
        f'{out}: {counts["images"]} of {len(table)} images, '
        f'{counts["identities"]} identities; look at {out / "report.html"}'
    )


if __name__ == '__main__':
    from mmcion.utils.cli import SAME_COMMAND, run_tool

    run_tool(main, on_interrupt=SAME_COMMAND)
