"""What the command-line tools share: their options and how they end."""

from __future__ import annotations

import argparse
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmengine.config import Config


def tool_parser(
    description: str | None, example: str
) -> argparse.ArgumentParser:
    """Make a parser that shows docstring and examples as written."""
    return argparse.ArgumentParser(
        description=description,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


# what run_tool tells of tools that skip what they have done
SAME_COMMAND = 'the same command goes on from here'


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


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Add what every reader of a folder of images takes."""
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument(
        '--check-sizes',
        action='store_true',
        help='leave out images of zero bytes; slower',
    )


def add_converter_options(parser: argparse.ArgumentParser) -> None:
    """Add what every converter of weights takes."""
    parser.add_argument('checkpoint', help='file to convert')
    parser.add_argument('--out', required=True, help='model file to write')
    parser.add_argument(
        '--arch', help='such as resnet50_ibn (default: as recognised)'
    )
    parser.add_argument(
        '--source',
        choices=['teacher', 'student'],
        help='which to take (default: the teacher where there is one)',
    )
    parser.add_argument(
        '--hash', action='store_true', help='put the hash into the name'
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='draw what is missing at random',
    )


def add_model_options(
    parser: argparse.ArgumentParser,
    *,
    several: bool = False,
    weights: bool = True,
) -> None:
    """Add what every tool that runs a model takes, see ``get_model``.

    Args:
        parser: of the tool.
        several: whether it takes more than one model.
        weights: whether weights matter; else those of names and configs are
            random.
    """
    parser.add_argument(
        'models' if several else 'model',
        nargs='+' if several else None,
        metavar='MODEL',
        help='name of a model or architecture, model file, checkpoint of '
        'tools/train.py (.pth), or config (.py)',
    )
    if weights:
        group = parser.add_mutually_exclusive_group()
        group.add_argument(
            '--weights',
            metavar='FILE',
            help='checkpoint for a name or a config',
        )
        group.add_argument(
            '--random-weights',
            action='store_true',
            help='take a name or a config untrained, to try things out',
        )
    parser.add_argument(
        '--custom-imports',
        action='store_true',
        help='import the modules that a .pth names; this runs their code',
    )
    parser.add_argument(
        '--image-size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="pixels (default: the model's own)",
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher``: how the ranks of this process were started."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm'],
        default='none',
        help='pytorch: by torchrun, on GPUs or CPUs; slurm: by srun',
    )


def read_config(
    path: str | Path, options: dict[str, Any] | None = None
) -> Config:
    """Read a config file and override settings of it.

    Args:
        path: of the file.
        options: values by dotted names, as ``--cfg-options`` gives them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it cannot be read, or has no setting of such a name.
    """
    from mmengine.config import Config

    if not Path(path).is_file():
        raise FileNotFoundError(f'there is no config at {path}')
    try:
        cfg = Config.fromfile(path)
    except (SyntaxError, AttributeError, TypeError, NameError) as error:
        raise ValueError(f'{path} is no config: {error!r}') from error
    override(cfg, options or {}, path)
    return cfg


def override(
    cfg: Config, options: Mapping[str, Any], path: str | Path
) -> None:
    """Change settings of a config in place.

    Args:
        cfg: the config.
        options: values by dotted names, as ``--cfg-options`` gives them.
        path: of the config, for messages.

    Raises:
        ValueError: if it has no place for one of them.
    """
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(
            f'{path} has no place for --cfg-options {options}: {error}'
        ) from error


def runner_config(args: argparse.Namespace) -> Config:
    """Read the config of a tool that runs mmengine's Runner.

    Args:
        args: with ``config``, ``cfg_options``, ``launcher`` and ``work_dir``;
            without the last the config's own counts, or else
            ``work_dirs/<name of the config>``.
    """
    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    default_dir = Path('work_dirs') / Path(args.config).stem
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(default_dir)
    return cfg


def run_tool(main: Callable[[], None], *, going_on: str = '') -> None:
    """Run a tool's ``main`` and exit the process.

    A user's mistake (``OSError``, ``ValueError``, ``ImportError``, a component
    or an option of one that is unknown to a registry) is told in one message
    without a traceback and ends with status 1; the environment variable
    ``MMCION_DEBUG`` brings the traceback back. Ctrl-C ends with status 130.

    Args:
        main: the tool.
        going_on: how a tool that was stopped goes on, if it can.
    """
    try:
        main()
    except (
        *(OSError, ValueError, ImportError),
        *(KeyError, TypeError),
    ) as error:
        mistake = not isinstance(error, KeyError | TypeError)
        if os.environ.get('MMCION_DEBUG') or not (
            mistake or _is_unknown_to_registry(error)
        ):
            raise
        print(f'error: {_message(error)}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print('; '.join(filter(None, ['stopped', going_on])), file=sys.stderr)
        sys.exit(130)


def _is_unknown_to_registry(error: BaseException) -> bool:
    """Tell whether a config names a component or an option that is not."""
    frames = traceback.extract_tb(error.__traceback__)
    return frames[-1].name == 'build_from_cfg'


def _message(error: BaseException) -> str:
    """Return an error's text, without the traceback of a worker process."""
    text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
    name = type(error).__name__
    if text.startswith(f'Caught {name} in DataLoader worker process'):
        text = re.split(rf'^\S*{name}: ', text, flags=re.MULTILINE)[-1]
    return text.strip()
