"""Scans for diagonal recurrences: Triton on a GPU, tensor operations on a CPU, and the naive loop they must equal."""

from ssmc.kernels.operator import scan
from ssmc.kernels.reference import scan_reference

__all__ = ["scan", "scan_reference"]
