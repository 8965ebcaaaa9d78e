"""Compare finished files with their checksums."""

import argparse

EXAMPLE = """examples:
  python tools/verify.py work_dirs/tracklets
  python tools/verify.py data/CION_AL_tar work_dirs/identities

Reads every file that a checksums.json lists, in the folders and those below:
tables, annotations, features, packed images, results of tools/denoise.py.
Columns are compared whenever a table is opened, features when they are
denoised; this command is for everything else, such as the tar files. It ends
with status 1 if a file is damaged or missing.
"""


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from mmcion.utils.cli import tool_parser

    parser = tool_parser(__doc__, EXAMPLE)
    parser.add_argument('folders', nargs='+', metavar='FOLDER')
    return parser.parse_args()


def main() -> None:
    """Read and compare."""
    args = parse_args()
    from mmcion.utils.checks import UserError, check_folder
    from mmcion.utils.checksums import (
        CHECKSUMS,
        damaged_files,
        folders_with_results,
        read_checksums,
    )
    from mmcion.utils.progress import progress_bar

    damaged: list[str] = []
    num_files = 0
    for root in args.folders:
        with_checksums, without = folders_with_results(check_folder(root))
        for folder in without:
            print(f'{folder} has no {CHECKSUMS}: not compared')
        if not with_checksums:
            raise UserError(
                f'{root} has no {CHECKSUMS}, as finished results have, nor '
                f'has a folder below.'
            )
        with progress_bar(desc='verify', unit='B', unit_scale=True) as bar:
            for folder in with_checksums:
                num_files += len(read_checksums(folder))
                damaged += damaged_files(folder, bar.update)
    if damaged:
        raise UserError('\n  '.join([f'{len(damaged)} damaged:', *damaged]))
    print(f'{num_files} files are as they were written')


if __name__ == '__main__':
    from mmcion.utils.cli import run_tool

    run_tool(main)
