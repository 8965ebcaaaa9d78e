from .agw_head import AGWHead

__all__ = ['AGWHead']
