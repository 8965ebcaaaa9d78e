from .hooks import *  # noqa: F403
from .optim import *  # noqa: F403
from .schedulers import *  # noqa: F403
