"""How command-line tools end."""

import sys
from collections.abc import Callable


def run_tool(main: Callable[[], None]) -> None:
    """Run a tool's ``main`` and exit the process.

    A user's mistake (``OSError``, ``ValueError``, ``ImportError``) is told in
    one message without a traceback and ends with status 1. Ctrl-C ends with
    status 130.
    """
    try:
        main()
    except (OSError, ValueError, ImportError) as error:
        print(f'error: {error}', file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print('stopped; the same command goes on from here', file=sys.stderr)
        sys.exit(130)
