"""Triton: addition in the fields of a word of state, and the composition of packed-bit maps.

TOPS is the word with the highest bit of each field set; -1 where every field is one bit; or, where fields saturate, the pair of
that word and the one with the sticky bits.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl


@triton.constexpr_function
def saturates(tops):
    """Whether some fields saturate."""
    return not isinstance(tops, int)


@triton.jit
def add_fields(x, y, TOPS: tl.constexpr):
    """The sum in every field; exclusive or where every field is one bit."""
    if saturates(TOPS):
        return (((x & ~TOPS[0]) + (y & ~TOPS[0])) ^ ((x ^ y) & TOPS[0])) | ((x | y) & TOPS[1])
    elif TOPS == -1:
        return x ^ y
    else:
        return ((x & ~TOPS) + (y & ~TOPS)) ^ ((x ^ y) & TOPS)


@triton.jit
def compose_bits(k1, a1, k2, a2):
    """The map (k1, a1) followed by (k2, a2)."""
    return k1 & k2, (a1 & k2) ^ a2


@triton.jit
def compose_fields(k1, a1, t1, k2, a2, t2):
    """As `compose_bits` with counters; t is the word of field tops."""
    x = a1 & k2
    return k1 & k2, ((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2), t2


@triton.jit
def compose_sticky(k1, a1, t1, s1, k2, a2, t2, s2):
    """As `compose_fields` with counters that saturate; s is the word of sticky bits."""
    x = a1 & k2
    return k1 & k2, (((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2)) | ((x | a2) & s2), t2, s2


@triton.jit
def last_of(x, N: tl.constexpr):
    """Element N - 1."""
    return tl.sum(tl.where(tl.arange(0, N) == N - 1, x, 0), 0)


@triton.jit
def scan_maps(k, a, TOPS: tl.constexpr):
    """Inclusive scan of maps, the earliest first."""
    if saturates(TOPS):
        tops = tl.full(k.shape, TOPS[0], k.dtype)
        k, a, _t, _s = tl.associative_scan((k, a, tops, tl.full(k.shape, TOPS[1], k.dtype)), 0, compose_sticky)
    elif TOPS == -1:
        k, a = tl.associative_scan((k, a), 0, compose_bits)
    else:
        k, a, _t = tl.associative_scan((k, a, tl.full(k.shape, TOPS, k.dtype)), 0, compose_fields)
    return k, a


@triton.jit
def scan_window(k, a, W: tl.constexpr, TOPS: tl.constexpr):
    """The composition of W maps."""
    k, a = scan_maps(k, a, TOPS)
    return last_of(k, W), last_of(a, W)
