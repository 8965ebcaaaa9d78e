"""What the command-line tools share: their options and how they end."""

import argparse
import os
import sys
from collections.abc import Callable


def tool_parser(
    description: str | None, example: str
) -> argparse.ArgumentParser:
    """Make a parser that shows docstring and examples as written."""
    return argparse.ArgumentParser(
        description=description,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options KEY=VALUE ...``, as in every OpenMMLab tool."""
    from mmengine.config import DictAction

    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. a.b=(1,2) c.0.d=x',
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher``: how the ranks of this process were started."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm'],
        default='none',
        help='pytorch: by torchrun, on GPUs or CPUs; slurm: by srun',
    )


def run_tool(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and exit the process.

    A user's mistake (``OSError``, ``ValueError``, ``ImportError``) is told in
    one message without a traceback and ends with status 1; the environment
    variable ``MMCION_DEBUG`` brings the traceback back. Ctrl-C ends with
    status 130.
    """
    try:
        main()
    except (OSError, ValueError, ImportError) as error:
        if os.environ.get('MMCION_DEBUG'):
            raise
        print(f'error: {error}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        sys.exit(130)
