from .score_denoiser import ScoreDenoiser

__all__ = ['ScoreDenoiser']
