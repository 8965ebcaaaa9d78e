from .cluster_contrast_head import ClusterContrastHead
from .cluster_sampler import ClusterSampler
from .pseudo_label_hook import PseudoLabelHook
from .pseudo_labels import cluster_centers, cluster_images

__all__ = [
    'ClusterContrastHead',
    'ClusterSampler',
    'PseudoLabelHook',
    'cluster_centers',
    'cluster_images',
]
