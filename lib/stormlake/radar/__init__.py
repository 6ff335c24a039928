"""A radar volume in memory: decode, choose cuts, quality control, geometry, gridding, products.

Pure functions on NumPy arrays. Imports only NumPy, Numba, decoders and the standard library.
"""

from __future__ import annotations

from stormlake.radar.decode import decode

__all__ = ["decode"]
