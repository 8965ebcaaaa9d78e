"""Losses of pre-training and of fine-tuning."""

from .center_loss import CenterLoss
from .cluster_memory import ClusterMemory, updated_centers
from .consistency_loss import consistency_loss
from .cycle_contrast_loss import cycle_contrast_loss
from .identity_distill_loss import identity_distill_loss
from .label_correction import correct_labels, moved_prototypes
from .queue_contrast_loss import queue_contrast_loss
from .sinkhorn import sinkhorn
from .smoothed_cross_entropy import smoothed_cross_entropy
from .stripe_contrast_loss import stripe_contrast_loss
from .tiled_distill_loss import tiled_distill_loss
from .triplet_loss import TripletLoss, batch_hard_triplet_loss
from .weighted_triplet_loss import WeightedTripletLoss, weighted_triplet_loss

__all__ = [
    'CenterLoss',
    'ClusterMemory',
    'TripletLoss',
    'WeightedTripletLoss',
    'batch_hard_triplet_loss',
    'consistency_loss',
    'correct_labels',
    'cycle_contrast_loss',
    'identity_distill_loss',
    'moved_prototypes',
    'queue_contrast_loss',
    'sinkhorn',
    'smoothed_cross_entropy',
    'stripe_contrast_loss',
    'tiled_distill_loss',
    'updated_centers',
    'weighted_triplet_loss',
]
