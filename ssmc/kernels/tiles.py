"""Triton pieces shared by the scans: a tile of time, its totals, and the look-back over earlier tiles.

A tile is NG groups of R consecutive steps by BD channels. One thread owns whole groups, so R loads are in flight at
once and R steps are folded in order; only NG totals a channel go through the shuffle scan. Steps count in scan order:
a reverse scan is the same tile with a negative stride in time.
"""

# mypy: ignore-errors
# ruff: noqa: N803
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl


@triton.jit
def compose(a1, b1, a2, b2):
    """The affine map (a1, b1) followed by (a2, b2)."""
    return a1 * a2, b1 * a2 + b2


@triton.jit
def compose_both(a1, b1, ea1, eb1, a2, b2, ea2, eb2):
    """Inclusive and exclusive scan at once; a leaf's exclusive part is the identity (1, 0).

    Carrying the exclusive scan as two more members costs less than shifting the inclusive one by a gather, which
    would move the whole tile to another layout.
    """
    return a1 * a2, b1 * a2 + b2, a1 * ea2, b1 * ea2 + eb2


@triton.jit
def compose_past(a1, b1, a2, b2):
    """As `compose`, but what a zero gate forgets cannot come back as 0 * inf."""
    return a1 * a2, tl.where(a2 == 0, b2, b1 * a2 + b2)


@triton.jit
def load_steps(ptr, base, step, low, left, cols, width, other, R: tl.constexpr, NG: tl.constexpr, TYPE: tl.constexpr):
    """R blocks (NG, BD): block r holds step g * R + r of group g; steps outside [low, left) read as `other`."""
    g = tl.arange(0, NG)[:, None]
    out = ()
    for r in tl.static_range(R):
        s = g * R + r
        x = tl.load(
            ptr + base + s * step + cols[None, :],
            mask=(s >= low) & (s < left) & (cols[None, :] < width),
            other=other,
            eviction_policy="evict_first",
        )
        out = out + (x.to(TYPE),)
    return out


@triton.jit
def fold(gates, increments, R: tl.constexpr):
    """The composition of a group's R maps."""
    a = gates[0]
    b = increments[0]
    for r in tl.static_range(1, R):
        b = b * gates[r] + increments[r]
        a = a * gates[r]
    return a, b


@triton.jit
def last_row(x, N: tl.constexpr):
    """Row N - 1 of a block (N, BD)."""
    return tl.sum(tl.where(tl.arange(0, N)[:, None] == N - 1, x, 0), 0)


@triton.jit
def bits_of(x, WORD: tl.constexpr):
    """The bits of a float, with every NaN made the canonical one: all ones is the mark of an empty slot."""
    return tl.where(x == x, x, float("nan")).to(WORD, bitcast=True)


@triton.jit
def publish(ptr, x, WORD: tl.constexpr):
    """Writes one word a channel. Each word is its own flag, so relaxed order suffices and nothing needs a fence."""
    tl.atomic_xchg(ptr, bits_of(x, WORD), sem="relaxed")


@triton.jit
def look_back(inclusive_ptr, a_ptr, b_ptr, row, tile, BD: tl.constexpr, W: tl.constexpr, TYPE: tl.constexpr):
    """The map from the nearest known inclusive state to the entry of `tile`, applied: the state (BD,) that enters.

    Polls windows of W earlier tiles, newest window first. A tile has published either its inclusive state or its own
    map; it stops at a window that forgets everything before it (a known state counts as a zero gate).
    """
    w = tl.arange(0, W)[:, None]
    d = tl.arange(0, BD)[None, :]
    acc_a = tl.full((BD,), 1, TYPE)
    acc_b = tl.zeros((BD,), TYPE)
    j = tile - 1
    while j >= 0:
        rows = j - (W - 1) + w
        ok = tl.broadcast_to(rows >= 0, (W, BD))
        p = row + rows * BD + d
        x = tl.load(inclusive_ptr + p, mask=ok, other=0, volatile=True)
        ya = tl.load(a_ptr + p, mask=ok, other=0, volatile=True)
        yb = tl.load(b_ptr + p, mask=ok, other=0, volatile=True)
        known = x != -1
        good = known | ((ya != -1) & (yb != -1))
        ready = tl.min(tl.min(good.to(tl.int32), 1), 0)
        if ready != 0:
            a = tl.where(known, 0, ya).to(TYPE, bitcast=True)
            b = tl.where(known, x, yb).to(TYPE, bitcast=True)
            wa, wb = tl.associative_scan((a, b), 0, compose_past)
            acc_b = tl.where(acc_a == 0, acc_b, last_row(wb, W) * acc_a + acc_b)
            acc_a = last_row(wa, W) * acc_a
            live = tl.max((acc_a != 0).to(tl.int32), 0)
            j = tl.where(live == 0, -1, j - W)
    return acc_b
