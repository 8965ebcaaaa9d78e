"""Features for trackers of other projects."""

from .embeddings import extract_embeddings
from .reid_encoder import ReIDEncoder
from .reid_tracker import ReIDTracker

__all__ = ['ReIDEncoder', 'ReIDTracker', 'extract_embeddings']
