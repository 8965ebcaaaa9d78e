import logging
import sys

from mmcion.engine.quiet_runner import quiet_console


def test_the_console_shows_warnings_and_the_file_everything(tmp_path):
    logger = logging.Logger('quiet', logging.INFO)
    file = logging.FileHandler(tmp_path / 'log')
    console = logging.StreamHandler(sys.stdout)
    other_rank = logging.StreamHandler(sys.stdout)
    other_rank.setLevel(logging.ERROR)
    for handler in (file, console, other_rank):
        logger.addHandler(handler)
    quiet_console(logger)
    assert file.level == logging.NOTSET
    assert console.level == logging.WARNING
    assert other_rank.level == logging.ERROR
    file.close()
