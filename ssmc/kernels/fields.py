"""Triton: composition of packed-bit maps, its scan over threads, and the look-back of two levels over tiles.

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
def compose_bits_both(k1, a1, ek1, ea1, k2, a2, ek2, ea2):
    """Inclusive and exclusive composition at once."""
    return k1 & k2, (a1 & k2) ^ a2, k1 & ek2, (a1 & ek2) ^ ea2


@triton.jit
def compose_fields(k1, a1, t1, k2, a2, t2):
    """As `compose_bits` with counters; t is the word of field tops."""
    x = a1 & k2
    return k1 & k2, ((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2), t2


@triton.jit
def compose_fields_both(k1, a1, ek1, ea1, t1, k2, a2, ek2, ea2, t2):
    """As `compose_bits_both` with counters."""
    x = a1 & k2
    y = a1 & ek2
    return (
        k1 & k2,
        ((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2),
        k1 & ek2,
        ((y & ~t2) + (ea2 & ~t2)) ^ ((y ^ ea2) & t2),
        t2,
    )


@triton.jit
def compose_sticky(k1, a1, t1, s1, k2, a2, t2, s2):
    """As `compose_fields` with counters that saturate; s is the word of sticky bits."""
    x = a1 & k2
    return k1 & k2, (((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2)) | ((x | a2) & s2), t2, s2


@triton.jit
def compose_sticky_both(k1, a1, ek1, ea1, t1, s1, k2, a2, ek2, ea2, t2, s2):
    """As `compose_fields_both` with counters that saturate."""
    x = a1 & k2
    y = a1 & ek2
    return (
        k1 & k2,
        (((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2)) | ((x | a2) & s2),
        k1 & ek2,
        (((y & ~t2) + (ea2 & ~t2)) ^ ((y ^ ea2) & t2)) | ((y | ea2) & s2),
        t2,
        s2,
    )


@triton.jit
def scan_threads(k, a, TOPS: tl.constexpr):
    """Inclusive and exclusive scan of the maps of a tile's threads."""
    one = tl.full(k.shape, -1, k.dtype)
    zero = tl.zeros(k.shape, k.dtype)
    if saturates(TOPS):
        tops = tl.full(k.shape, TOPS[0], k.dtype)
        sticky = tl.full(k.shape, TOPS[1], k.dtype)
        sk, sa, ek, ea, _t, _s = tl.associative_scan((k, a, one, zero, tops, sticky), 0, compose_sticky_both)
        return sk, sa, ek, ea
    elif TOPS == -1:
        return tl.associative_scan((k, a, one, zero), 0, compose_bits_both)
    else:
        tops = tl.full(k.shape, TOPS, k.dtype)
        sk, sa, ek, ea, _t = tl.associative_scan((k, a, one, zero, tops), 0, compose_fields_both)
        return sk, sa, ek, ea


@triton.jit
def last_of(x, N: tl.constexpr):
    """Element N - 1."""
    return tl.sum(tl.where(tl.arange(0, N) == N - 1, x, 0), 0)


@triton.jit
def scan_window(k, a, W: tl.constexpr, TOPS: tl.constexpr):
    """The composition of W maps."""
    if saturates(TOPS):
        tops = tl.full(k.shape, TOPS[0], k.dtype)
        k, a, _t, _s = tl.associative_scan((k, a, tops, tl.full(k.shape, TOPS[1], k.dtype)), 0, compose_sticky)
    elif TOPS == -1:
        k, a = tl.associative_scan((k, a), 0, compose_bits)
    else:
        k, a, _t = tl.associative_scan((k, a, tl.full(k.shape, TOPS, k.dtype)), 0, compose_fields)
    return last_of(k, W), last_of(a, W)


@triton.jit
def put(ptr, x, flag, SIZE, WIDE: tl.constexpr):
    """Publishes a word with a flag; a wide word as two halves."""
    high = tl.cast(flag, tl.int64) << 32
    tl.atomic_xchg(ptr, high | (x.to(tl.int64) & 0xFFFFFFFF), sem="relaxed")
    if WIDE:
        tl.atomic_xchg(ptr + SIZE, high | ((x >> 32) & 0xFFFFFFFF), sem="relaxed")


@triton.jit
def get(ptr, at, mask, SIZE, WIDE: tl.constexpr):
    """Words and flags of a window; where the halves differ in flag, the word is not there yet."""
    x = tl.load(ptr + at, mask=mask, other=0, volatile=True)
    if WIDE:
        y = tl.load(ptr + SIZE + at, mask=mask, other=0, volatile=True)
        flag = tl.where((x >> 32) == (y >> 32), x >> 32, 0)
        return (x & 0xFFFFFFFF) | (y << 32), flag.to(tl.int32)
    else:
        return x.to(tl.int32), (x >> 32).to(tl.int32)


@triton.jit
def enter(slots_ptr, tile, tiles, k, a, entry, W: tl.constexpr, TOPS: tl.constexpr, WIDE: tl.constexpr):
    """Publishes a tile's map (k, a) and returns the state that enters the tile; `entry` enters tile 0.

    Slots, all zero at the start: keep and add of each tile, then of each group of W tiles. Flag 1: a map; 2: `add` is
    the state itself.
    """
    HALVES: tl.constexpr = 2 if WIDE else 1
    groups = tl.cdiv(tiles, W)
    group = tile // W
    inside = tile % W
    keep_ptr = slots_ptr
    add_ptr = keep_ptr + HALVES * tiles
    group_keep_ptr = add_ptr + HALVES * tiles
    group_add_ptr = group_keep_ptr + HALVES * groups
    put(keep_ptr + tile, k, 1, tiles, WIDE)
    put(add_ptr + tile, a, 1, tiles, WIDE)
    w = tl.arange(0, W)
    gk = k * 0 - 1
    ga = a * 0
    left = inside
    while left > 0:
        wk, fk = get(keep_ptr, group * W + w, w < inside, tiles, WIDE)
        wa, fa = get(add_ptr, group * W + w, w < inside, tiles, WIDE)
        here = (fk != 0) & (fa != 0)
        since = tl.max(tl.where(here & (wk == 0) & (w < inside), w, -1), 0)
        ready = tl.min(((w >= inside) | (w < since) | here).to(tl.int32), 0)
        if ready != 0:
            gk, ga = scan_window(tl.where(w < inside, wk, -1), tl.where(w < inside, wa, 0), W, TOPS)
            left = left * 0
    ends = inside == W - 1
    if ends:
        if group > 0:
            put(group_keep_ptr + group, gk & k, 1, groups, WIDE)
            closed = (gk & k) == 0
            put(group_add_ptr + group, add_fields(ga & k, a, TOPS), tl.where(closed, 2, 1), groups, WIDE)
    pk = k * 0 - 1
    pa = a * 0
    if group == 0:
        pa = entry
    j = group - 1
    while j >= 0:
        rows = j - (W - 1) + w
        wk, fk = get(group_keep_ptr, rows, rows >= 0, groups, WIDE)
        wa, fa = get(group_add_ptr, rows, rows >= 0, groups, WIDE)
        since = tl.max(tl.where(fa == 2, w, -1), 0)
        ready = tl.min(((rows < 0) | (w < since) | (fa == 2) | ((fa == 1) & (fk != 0))).to(tl.int32), 0)
        if ready != 0:
            sk, sa = scan_window(tl.where((fa == 2) | (rows < 0), 0, wk), wa, W, TOPS)
            pa = add_fields(sa & pk, pa, TOPS)
            pk = sk & pk
            j = tl.where(pk == 0, -1, j - W)
    state = add_fields(pa & gk, ga, TOPS)
    if ends:
        put(group_add_ptr + group, add_fields(state & k, a, TOPS), 2, groups, WIDE)
    return state
