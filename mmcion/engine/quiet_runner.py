"""QuietRunner: mmengine's Runner with its log in the file only."""

import logging
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner


class QuietRunner(Runner):
    """Runner that shows warnings only; its log file has all messages."""

    def build_logger(self, *args: Any, **options: Any) -> MMLogger:
        """Return the logger, whose console is quiet."""
        logger = super().build_logger(*args, **options)
        quiet_console(logger)
        return logger


def quiet_console(logger: logging.Logger) -> None:
    """Let only warnings and errors of a logger through to the console."""
    for handler in logger.handlers:
        # a FileHandler is a StreamHandler, too; ranks > 0 show errors only
        if not isinstance(handler, logging.FileHandler):
            handler.setLevel(max(handler.level, logging.WARNING))
