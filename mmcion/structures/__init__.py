"""Tables, features, labels and results that the packages exchange."""

from .annotation import AnnotationTable
from .appearances import Appearances
from .cooccurrence import cooccurring_pairs
from .csr import Csr
from .feature_store import FeatureStore
from .identity_labels import UNASSIGNED, IdentityLabels
from .reid_data_sample import ReIDDataSample
from .reid_features import NO_TRACKLET, ReIDFeatures
from .retrieval_result import RetrievalResult
from .roc_curve import RocCurve
from .tracklet_table import TrackletTable
from .view_plan import ViewPlan

__all__ = [
    'NO_TRACKLET',
    'UNASSIGNED',
    'AnnotationTable',
    'Appearances',
    'Csr',
    'FeatureStore',
    'IdentityLabels',
    'ReIDDataSample',
    'ReIDFeatures',
    'RetrievalResult',
    'RocCurve',
    'TrackletTable',
    'ViewPlan',
    'cooccurring_pairs',
]
