"""Steps of optimisation and groups of parameters."""

from .bf16_optim_wrapper import Bf16OptimWrapper
from .decay_groups import DecayGroupsConstructor

__all__ = ['Bf16OptimWrapper', 'DecayGroupsConstructor']
