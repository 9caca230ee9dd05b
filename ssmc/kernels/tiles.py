"""Triton pieces shared by the scans: a tile of time, what it publishes, and the look-back over earlier tiles.

A tile is NG groups of R consecutive steps by BD words. One thread owns whole groups, so R loads are in flight at once
and R steps are folded in order; only NG totals a channel go through the shuffle scan.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents

from ssmc.kernels.planes import past_complex, past_pair, past_real, step, times


@triton.jit
def first_steps(ptr, base, cols, STRIDE: tl.constexpr, R: tl.constexpr, NG: tl.constexpr):
    """Addresses (NG, BD) of each group's first step; those of the others are a constant away, which keeps compiling short."""
    return ptr + base + tl.arange(0, NG)[:, None] * (R * STRIDE) + cols[None, :]


@triton.jit
def load_steps(
    ptr, base, low, left, cols, width, other, STRIDE: tl.constexpr, R: tl.constexpr, NG: tl.constexpr,
    WHOLE: tl.constexpr, FULL: tl.constexpr,
):  # fmt: skip
    """R blocks (NG, BD): block r holds step g * R + r of group g; steps outside [low, left) read as `other`.

    WHOLE: every step is inside (a tile is complete and none is cut off by `low`); FULL: every channel is.
    """
    at = first_steps(ptr, base, cols, STRIDE, R, NG)
    g = tl.arange(0, NG)[:, None]
    out = ()
    for r in tl.static_range(R):
        if WHOLE and FULL:
            x = tl.load(at + r * STRIDE, eviction_policy="evict_first")
        else:
            s = g * R + r
            mask = tl.broadcast_to((s >= low) & (s < left), at.shape)
            if not FULL:
                mask = mask & (cols[None, :] < width)
            x = tl.load(at + r * STRIDE, mask=mask, other=other, eviction_policy="evict_first")
        out = out + (x,)
    return out


@triton.jit
def last_row(x, N: tl.constexpr):
    """Row N - 1 of each plane (N, BD)."""
    out = ()
    for k in tl.static_range(len(x)):
        out = out + (tl.sum(tl.where(tl.arange(0, N)[:, None] == N - 1, x[k], 0), 0),)
    return out


@triton.jit
def row(x):
    """Planes (BD,) as planes (1, BD)."""
    out = ()
    for k in tl.static_range(len(x)):
        out = out + (x[k][None, :],)
    return out


@triton.jit
def load_state(ptr, at, mask, KIND: tl.constexpr, TYPE: tl.constexpr):
    """The state of some words: float planes interleaved in memory."""
    if KIND == "real":
        return (tl.load(ptr + at, mask=mask, other=0).to(TYPE),)
    else:
        return (
            tl.load(ptr + 2 * at, mask=mask, other=0).to(TYPE),
            tl.load(ptr + 2 * at + 1, mask=mask, other=0).to(TYPE),
        )


@triton.jit
def store_state(ptr, at, x, mask):
    """The inverse of `load_state`."""
    for k in tl.static_range(len(x)):
        tl.store(ptr + len(x) * at + k, x[k], mask=mask)


@triton.jit
def clear(slots_ptr, COUNT, BLOCK: tl.constexpr, PDL: tl.constexpr):
    """Empties the slots of a launch. PDL: the scan may begin meanwhile, and waits before it touches them."""
    if PDL:
        gdc_launch_dependents()
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    tl.store(slots_ptr + at, tl.full((BLOCK,), -1, slots_ptr.dtype.element_ty), mask=at < COUNT)


@triton.jit
def publish(ptr, x, SIZE, WORD: tl.constexpr):
    """Writes one word a channel and plane, planes SIZE apart.

    Each word is its own flag, so relaxed order suffices and nothing needs a fence. All ones marks an empty slot: a NaN,
    so every NaN is made the canonical one first.
    """
    for k in tl.static_range(len(x)):
        word = tl.where(x[k] == x[k], x[k], float("nan")).to(WORD, bitcast=True)
        tl.atomic_xchg(ptr + k * SIZE, word, sem="relaxed")


@triton.jit
def forgets(a):
    """Whether a map (gate planes) forgets its argument in every channel."""
    live = tl.max((a[0] != 0).to(tl.int32), 0)
    for k in tl.static_range(1, len(a)):
        live = tl.maximum(live, tl.max((a[k] != 0).to(tl.int32), 0))
    return live == 0


@triton.jit
def floats(bits, TYPE: tl.constexpr):
    """Planes of bits as planes of floats."""
    out = ()
    for k in tl.static_range(len(bits)):
        out = out + (bits[k].to(TYPE, bitcast=True),)
    return out


@triton.jit
def poll(ptr, at, mask, SIZE, P: tl.constexpr):
    """A window of P slot planes: their bits, and where all of them are there."""
    x = tl.load(ptr + at, mask=mask, other=0, volatile=True)
    if P == 1:
        return (x,), x != -1
    else:
        y = tl.load(ptr + SIZE + at, mask=mask, other=0, volatile=True)
        return (x, y), (x != -1) & (y != -1)


@triton.jit
def total(a, b, W: tl.constexpr, KIND: tl.constexpr):
    """The composition of W maps (planes (W, BD)), oldest first."""
    if KIND == "real":
        x, y = tl.associative_scan((a[0], b[0]), 0, past_real)
        return last_row((x,), W), last_row((y,), W)
    else:
        if KIND == "pair":
            x0, y0, x1, y1 = tl.associative_scan((a[0], b[0], a[1], b[1]), 0, past_pair)
        else:
            x0, y0, x1, y1 = tl.associative_scan((a[0], b[0], a[1], b[1]), 0, past_complex)
        return last_row((x0, x1), W), last_row((y0, y1), W)


@triton.jit
def group_map(
    slots_ptr, size, at, count, BD: tl.constexpr, W: tl.constexpr, KIND: tl.constexpr, TYPE: tl.constexpr,
    WORD: tl.constexpr,
):  # fmt: skip
    """Waits for the `count` < W maps published from `at` on, and composes them."""
    P: tl.constexpr = 1 if KIND == "real" else 2
    w = tl.arange(0, W)[:, None]
    p = at + w * BD + tl.arange(0, BD)[None, :]
    inside = tl.broadcast_to(w < count, (W, BD))
    one = tl.full((W, BD), 1, TYPE).to(WORD, bitcast=True)
    a0 = tl.full((BD,), 1, TYPE)
    b0 = tl.zeros((BD,), TYPE)
    a1 = tl.full((BD,), 0 if KIND == "complex" else 1, TYPE)
    b1 = tl.zeros((BD,), TYPE)
    left = count
    while left > 0:
        a, good = poll(slots_ptr, p, inside, size, P)
        b, fine = poll(slots_ptr + P * size, p, inside, size, P)
        ready = tl.min(tl.min((good & fine).to(tl.int32), 1), 0)
        if ready != 0:
            if P == 1:
                wa, wb = total(floats((tl.where(inside, a[0], one),), TYPE), floats(b, TYPE), W, KIND)
            else:
                if KIND == "pair":
                    a = (tl.where(inside, a[0], one), tl.where(inside, a[1], one))
                else:
                    a = (tl.where(inside, a[0], one), a[1])
                wa, wb = total(floats(a, TYPE), floats(b, TYPE), W, KIND)
                a1 = wa[1]
                b1 = wb[1]
            a0 = wa[0]
            b0 = wb[0]
            left = left * 0
    if P == 1:
        return (a0,), (b0,)
    else:
        return (a0, a1), (b0, b1)


@triton.jit
def look_back(
    slots_ptr, size, line, group, BD: tl.constexpr, W: tl.constexpr, KIND: tl.constexpr, TYPE: tl.constexpr
):  # fmt: skip
    """The state (planes of (BD,)) that enters `group`.

    Polls windows of W earlier groups, newest window first. A group has published either its last state or its map; the
    walk stops at a window that forgets everything before it (a known state counts as a zero gate).
    """
    P: tl.constexpr = 1 if KIND == "real" else 2
    w = tl.arange(0, W)[:, None]
    d = tl.arange(0, BD)[None, :]
    a0 = tl.full((BD,), 1, TYPE)
    b0 = tl.zeros((BD,), TYPE)
    a1 = tl.full((BD,), 0 if KIND == "complex" else 1, TYPE)
    b1 = tl.zeros((BD,), TYPE)
    j = group - 1
    while j >= 0:
        rows = j - (W - 1) + w
        inside = tl.broadcast_to(rows >= 0, (W, BD))
        p = line + rows * BD + d
        x, known = poll(slots_ptr, p, inside, size, P)
        ya, good = poll(slots_ptr + P * size, p, inside, size, P)
        yb, fine = poll(slots_ptr + 2 * P * size, p, inside, size, P)
        ready = tl.min(tl.min((known | (good & fine)).to(tl.int32), 1), 0)
        if ready != 0:
            if P == 1:
                wa, wb = total(
                    floats((tl.where(known, 0, ya[0]),), TYPE), floats((tl.where(known, x[0], yb[0]),), TYPE), W, KIND
                )
                b0 = tl.where(a0 == 0, b0, wb[0] * a0 + b0)
                a0 = wa[0] * a0
                done = forgets((a0,))
            else:
                wa, wb = total(
                    floats((tl.where(known, 0, ya[0]), tl.where(known, 0, ya[1])), TYPE),
                    floats((tl.where(known, x[0], yb[0]), tl.where(known, x[1], yb[1])), TYPE),
                    W,
                    KIND,
                )
                b = step(wb, (a0, a1), (b0, b1), KIND)
                a = times(wa, (a0, a1), KIND)
                a0 = a[0]
                a1 = a[1]
                b0 = b[0]
                b1 = b[1]
                done = forgets((a0, a1))
            j = tl.where(done, -1, j - W)
    if P == 1:
        return (b0,)
    else:
        return b0, b1


@triton.jit
def prefetch(ptr, base, ROWS: tl.constexpr, STRIDE: tl.constexpr, ASM: tl.constexpr):
    """Asks for ROWS runs of memory, STRIDE words apart, to be in the L2 cache soon: a hint without a result."""
    at = (ptr + base + tl.arange(0, ROWS) * STRIDE).to(tl.int64)
    tl.inline_asm_elementwise(ASM, "=r,l", [at], tl.int32, False, 1)
