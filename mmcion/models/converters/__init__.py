from .reidzoo import convert_reidzoo

__all__ = ['convert_reidzoo']
