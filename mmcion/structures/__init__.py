from .annotation import AnnotationTable
from .cooccurrence import cooccurring_pairs
from .feature_store import FeatureStore
from .identity_labels import UNASSIGNED, IdentityLabels
from .matching import GalleryMatching
from .reid_data_sample import ReIDDataSample
from .reid_features import NO_TRACKLET, ReIDFeatures
from .retrieval_result import RetrievalResult
from .tracklet_table import TrackletTable
from .view_plan import ViewPlan

__all__ = [
    'NO_TRACKLET',
    'UNASSIGNED',
    'AnnotationTable',
    'FeatureStore',
    'GalleryMatching',
    'IdentityLabels',
    'ReIDDataSample',
    'ReIDFeatures',
    'RetrievalResult',
    'TrackletTable',
    'ViewPlan',
    'cooccurring_pairs',
]
