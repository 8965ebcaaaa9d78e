"""Options that command-line tools share, and how tools end."""

from __future__ import annotations

import argparse
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checks import UserError, check_choice, check_file, check_new
from .config_check import (
    check_config,
    check_options,
    describe_build,
    is_runner_config,
)
from .packaged import command_name, drop_own_scope, find_config, name_commands
from .paths import CONFIG_SUFFIXES, WEIGHT_SUFFIXES

if TYPE_CHECKING:
    from mmengine.config import Config

# ``on_interrupt`` of tools that skip what is finished
SAME_COMMAND = 'run the same command again to continue'


def tool_parser(
    description: str | None, example: str
) -> argparse.ArgumentParser:
    """Return a parser that shows docstring and examples as written.

    If the tool runs as a command, its examples are commands, too.
    """
    name = None
    if '.mim' in Path(sys.argv[0]).parts:
        name = f'mmcion {command_name(sys.argv[0])}'
        example = name_commands(example)
    return argparse.ArgumentParser(
        prog=name,
        description=description,
        epilog=example,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_dict_option(
    parser: argparse.ArgumentParser,
    name: str,
    *,
    nargs: str = '+',
    **options: Any,
) -> None:
    """Add an option that takes ``KEY=VALUE ...``, by mmengine's DictAction.

    Args:
        parser: Parser of the tool.
        name: Name of the option.
        nargs: ``'+'``, or ``'*'`` for an option that may stand alone.
        options: See ``ArgumentParser.add_argument``.
    """
    from mmengine.config import DictAction

    class KeyValueAction(DictAction):
        """DictAction that names the argument which is not ``KEY=VALUE``."""

        def __call__(
            self, parser: Any, namespace: Any, values: Any, option: Any = None
        ) -> None:
            for value in values:
                if '=' not in value:
                    parser.error(
                        f'{name} takes KEY=VALUE; got {value!r}. Put '
                        f'positional arguments before {name}.'
                    )
            super().__call__(parser, namespace, values, option)

    parser.add_argument(
        name,
        nargs=nargs,
        action=KeyValueAction,
        metavar='KEY=VALUE',
        **options,
    )


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options KEY=VALUE ...``, as in every OpenMMLab tool."""
    add_dict_option(
        parser,
        '--cfg-options',
        default={},
        help='override settings of the config, e.g. a.b=(1,2) c.0.d=x',
    )


def add_out_options(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--out`` and ``--overwrite``, of tools that cannot resume."""
    parser.add_argument('--out', required=True, help=f'{what} to write')
    add_overwrite(parser, 'what is there already')


def add_overwrite(
    parser: argparse.ArgumentParser, what: str = 'an existing file'
) -> None:
    """Add ``--overwrite``, which allows a tool to replace ``what``."""
    parser.add_argument(
        '--overwrite', action='store_true', help=f'replace {what}'
    )


def check_out_file(
    path: str | Path | None, *suffixes: str, overwrite: bool = True
) -> None:
    """Raise ``UserError`` before the long part if ``--out`` is unusable.

    With ``suffixes``, a slip replaces no file of another kind.
    """
    if path is None:
        return
    if suffixes and Path(path).suffix.lower() not in suffixes:
        allowed = ' or '.join(suffixes)
        raise UserError(f'--out must end in {allowed}; got {path}.')
    check_new(path, overwrite=overwrite)


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every reader of a folder of images."""
    add_out_options(parser, 'folder')
    parser.add_argument(
        '--check-sizes',
        action='store_true',
        help='skip empty image files; slower',
    )


def save_reading(args: argparse.Namespace, read: Callable[[], Any]) -> None:
    """Write the ``TrackletReading`` of a data set and print its counts.

    ``args`` are of ``add_out_options``; ``read`` is called if the table may
    be written.
    """
    check_new(f'{args.out}/table', overwrite=args.overwrite)
    reading = read()
    reading.save(args.out)
    print(f'{args.out}: {reading.summary()}')


def add_image_size(
    parser: argparse.ArgumentParser,
    what: str,
    default: tuple[int, int] | None = None,
) -> None:
    """Add ``--image-size H W``; ``what`` describes it."""
    parser.add_argument(
        '--image-size',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        default=default,
        help=what,
    )


def add_converter_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every converter of weights."""
    parser.add_argument('checkpoint', help='file to convert')
    add_out_options(parser, 'model file')
    parser.add_argument(
        '--arch', help='such as resnet50_ibn (default: as recognised)'
    )
    parser.add_argument(
        '--source',
        choices=['teacher', 'student'],
        help='branch to convert (default: the teacher if there is one)',
    )
    parser.add_argument(
        '--hash', action='store_true', help='append the hash to the name'
    )
    parser.add_argument(
        '--allow-partial',
        action='store_true',
        help='initialise missing weights at random',
    )


def add_model_options(
    parser: argparse.ArgumentParser,
    *,
    several: bool = False,
    weights: bool = True,
) -> None:
    """Add the options of every tool that runs a model, see ``get_model``.

    It may take ``several`` models. Unless ``weights`` matter, those of names
    and configs are random.
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
    add_custom_imports(parser)
    add_image_size(parser, "pixels (default: the model's own)")


def add_custom_imports(parser: argparse.ArgumentParser) -> None:
    """Add ``--custom-imports``, of tools that open checkpoints."""
    parser.add_argument(
        '--custom-imports',
        action='store_true',
        help='import the modules that a .pth names, which runs their code',
    )


def add_verbose(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``-v``: show ``what``."""
    parser.add_argument(
        '-v', '--verbose', action='store_true', help=f'show the {what}'
    )


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--launcher``: how the processes were started."""
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm'],
        default='none',
        help='pytorch: by torchrun, on GPUs or CPUs; slurm: by srun',
    )


def read_config(
    path: str | Path, options: Mapping[str, Any] | None = None
) -> Config:
    """Read a config file and ``override`` settings of it.

    ``path`` is a file or one of our configs, see ``find_config``.
    """
    from mmengine.config import Config
    from yaml import YAMLError

    from . import safe_config  # noqa: F401, only a Python config runs code

    if Path(path).suffix in WEIGHT_SUFFIXES:
        raise UserError(f'{path} is a checkpoint; give its config (.py).')
    path = find_config(path)
    suffix = check_file(path, 'config').suffix
    check_choice(f'suffix of config {path}', suffix, CONFIG_SUFFIXES)
    # ValueError: of JSON, among others
    wrong = (SyntaxError, AttributeError, TypeError, ValueError, NameError)
    try:
        cfg = Config.fromfile(path)
    except (*wrong, YAMLError) as error:
        raise UserError(f'{path} is not a config: {error}') from error
    if cfg.get('default_scope') == 'mmcion':
        drop_own_scope(cfg._cfg_dict)
    if options or not is_runner_config(cfg):
        override(cfg, options or {}, path)
    return cfg


def override(
    cfg: Config, options: Mapping[str, Any], path: str | Path
) -> None:
    """Override settings of a config in place, and check the result.

    Args:
        cfg: Config to change.
        options: Values by dotted names, as from ``--cfg-options``.
        path: Path of the config, for messages.
    """
    check_options(cfg, options, path)
    try:
        cfg.merge_from_dict(dict(options))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        # the error may show the whole list
        problem = f'{dict(options)}: {error!s:.120}'
        raise UserError(f'{path} cannot take {problem}') from error
    check_config(cfg, path)


def runner_config(
    args: argparse.Namespace, cfg: Config | None = None
) -> Config:
    """Prepare the config of a tool that runs mmengine's Runner.

    Args:
        args: Has ``config``, ``cfg_options``, ``launcher`` and ``work_dir``.
            The work dir defaults to that of the config, or else to
            ``work_dirs/<name of the config>``.
        cfg: Content of ``args.config``; read from this file if None.
    """
    if cfg is None:
        cfg = read_config(args.config)
    override(cfg, args.cfg_options, args.config)
    # PyTorch refuses these options without workers
    for name, loader in cfg.items():
        if name.endswith('_dataloader') and loader.get('num_workers') == 0:
            loader.persistent_workers = False
            loader.pop('prefetch_factor', None)
    cfg.launcher = args.launcher
    default_dir = Path('work_dirs') / Path(args.config).stem
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(default_dir)
    return cfg


def check_test_config(cfg: Config, path: str | Path, *names: str) -> None:
    """Raise ``UserError`` unless a config has all settings of a test."""
    if missing := [name for name in names if name not in cfg]:
        listed = ' or '.join(', '.join(missing).rsplit(', ', 1))
        raise UserError(
            f'{path} has no {listed}, so it is not a test config. Those are '
            f'in configs/eval.'
        )


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a tool as Ctrl-C does."""


def _terminate(owner: int, number: int, _: Any) -> None:
    if os.getpid() == owner:
        raise Terminated
    # a worker that was forked from the tool ends as if it had no handler
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def run_tool(main: Callable[[], None], *, on_interrupt: str = '') -> None:
    """Run the ``main`` of a tool and exit the process.

    A mistake of the user (``UserError``, ``OSError``, or whatever is raised
    where a component is built from its config) is printed as one message and
    ends with status 1, and so does a loss or a weight that is not finite. The
    environment variable ``MMCION_DEBUG`` shows the traceback. All other
    exceptions are bugs and keep theirs. Ctrl-C ends with status 130; SIGTERM,
    which Slurm and containers send, with 143. ``on_interrupt`` says how to
    continue then.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # names of files need not be UTF-8; stderr is like this already
        sys.stdout.reconfigure(errors='backslashreplace')
    sys.path.append('')  # custom_imports may name what is here
    before = signal.signal(signal.SIGTERM, partial(_terminate, os.getpid()))
    try:
        main()
    except Exception as error:
        message = None
        if isinstance(error, UserError | OSError | FloatingPointError):
            message = _message(error)
        elif (built := describe_build(error)) is not None:
            message = f'{built}. MMCION_DEBUG=1 shows where.'
        if os.environ.get('MMCION_DEBUG') or message is None:
            raise
        print(f'error: {message}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as stop:
        # the ranks of a run all get the signal
        if os.environ.get('RANK', '0') == '0':
            parts = filter(None, ['stopped', on_interrupt])
            print('; '.join(parts), file=sys.stderr)
        sys.exit(143 if isinstance(stop, Terminated) else 130)
    finally:
        signal.signal(signal.SIGTERM, before)


def _message(error: BaseException) -> str:
    """Return an error's text, without the traceback of a worker process."""
    text = str(error)
    name = type(error).__name__
    if text.startswith(f'Caught {name} in DataLoader worker process'):
        text = re.split(rf'^\S*{name}: ', text, flags=re.MULTILINE)[-1]
    return text.strip()
