from .noise_model import NoiseModel, Simulation

__all__ = ['NoiseModel', 'Simulation']
