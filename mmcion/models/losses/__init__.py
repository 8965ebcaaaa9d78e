"""Losses of pre-training and of fine-tuning."""

from .center_loss import CenterLoss
from .cluster_memory import ClusterMemory, updated_centers
from .identity_distill_loss import identity_distill_loss
from .smoothed_cross_entropy import smoothed_cross_entropy
from .tiled_distill_loss import tiled_distill_loss
from .triplet_loss import TripletLoss, batch_hard_triplet_loss
from .weighted_triplet_loss import WeightedTripletLoss, weighted_triplet_loss

__all__ = [
    'CenterLoss',
    'ClusterMemory',
    'TripletLoss',
    'WeightedTripletLoss',
    'batch_hard_triplet_loss',
    'identity_distill_loss',
    'smoothed_cross_entropy',
    'tiled_distill_loss',
    'updated_centers',
    'weighted_triplet_loss',
]
