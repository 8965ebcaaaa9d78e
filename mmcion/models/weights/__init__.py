"""From a checkpoint to a filled network, and to a model file.

``read_checkpoint`` (safe) -> ``select`` (teacher or student, backbone or
neck) -> ``Source.rename`` (names of other projects) -> ``match`` (does it
fit?) -> ``load_state_dict``.
"""

from mmcion.utils.read_checkpoint import read_checkpoint

from .convert import convert_file, convert_weights
from .load import load_part, load_weights
from .match import MatchReport, match
from .model_file import read_model, read_model_file, save_model_file
from .model_spec import ModelSpec
from .network_config import evaluation_pipeline
from .open_model import open_config, open_file, use_checkpoint
from .origin import Origin, find_origin, model_origin
from .publish import publish
from .run_checkpoint import choose_run_checkpoint, require_whole_model
from .select import select
from .sources import SOURCES
from .stored_config import read_test_config
from .threshold import store_threshold

__all__ = [
    'SOURCES',
    'MatchReport',
    'ModelSpec',
    'Origin',
    'choose_run_checkpoint',
    'convert_file',
    'convert_weights',
    'evaluation_pipeline',
    'find_origin',
    'load_part',
    'load_weights',
    'match',
    'model_origin',
    'open_config',
    'open_file',
    'publish',
    'read_checkpoint',
    'read_model',
    'read_model_file',
    'read_test_config',
    'require_whole_model',
    'save_model_file',
    'select',
    'store_threshold',
    'use_checkpoint',
]
