"""Triton kernels of the general scan h_t = a_t * h_{t-1} + b_t over (B, T, D).

`scan_rows` gives one program a whole row block and walks time (many rows); `scan_tiles` gives one program one tile of
time and looks back over the earlier tiles (few rows, long time). Both have one body, `finish`, and the flags:

REVERSE    time runs from T - 1 down; gates are read one step late (position t reads a_{t+1}, and 1 at the end)
EXCLUSIVE  forward: store the state before the step. Reverse: increments are read one step late as well
BACKWARD   (with REVERSE) also store grad_a_t = g_t * h_{t-1}, h_{t-1} read from `past`
"""

# mypy: ignore-errors
# ruff: noqa: N803, N806
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl

from ssmc.kernels.tiles import compose_both, fold, last_row, load_steps, look_back, publish


@triton.jit
def read(
    a_ptr, b_ptr, start, tile, T, D: tl.constexpr, cols, width, R: tl.constexpr, NG: tl.constexpr, TYPE: tl.constexpr,
    REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr,
):  # fmt: skip
    """Gates and increments of a tile whose first step is `tile * NG * R`, and where its channels begin in memory."""
    first = tl.cast(tile, tl.int64) * (NG * R)
    left = tl.minimum(T - first, NG * R).to(tl.int32)
    if REVERSE:
        base = start + (T - 1 - first) * D
        low = tl.where(tile == 0, 1, 0)
        gates = load_steps(a_ptr, base + D, -D, low, left, cols, width, 1, R, NG, TYPE)
        if EXCLUSIVE:
            increments = load_steps(b_ptr, base + D, -D, low, left, cols, width, 0, R, NG, TYPE)
        else:
            increments = load_steps(b_ptr, base, -D, 0, left, cols, width, 0, R, NG, TYPE)
    else:
        base = start + first * D
        gates = load_steps(a_ptr, base, D, 0, left, cols, width, 1, R, NG, TYPE)
        increments = load_steps(b_ptr, base, D, 0, left, cols, width, 0, R, NG, TYPE)
    return gates, increments, base, left


@triton.jit
def finish(
    h_ptr, past_ptr, initial_ptr, ga_ptr, state, gates, increments, base, left, last, D: tl.constexpr, cols, width,
    row, R: tl.constexpr, NG: tl.constexpr, TYPE: tl.constexpr, REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr,
    BACKWARD: tl.constexpr,
):  # fmt: skip
    """Replays a tile from the states (NG, BD) that enter its groups, and stores what the flags ask for."""
    g = tl.arange(0, NG)[:, None]
    STEP: tl.constexpr = -D if REVERSE else D
    inside = cols[None, :] < width
    for r in tl.static_range(R):
        s = g * R + r
        at = base + s * STEP + cols[None, :]
        mask = (s < left) & inside
        if EXCLUSIVE and not REVERSE:
            tl.store(h_ptr + at, state.to(h_ptr.dtype.element_ty), mask=mask, eviction_policy="evict_first")
        state = state * gates[r] + increments[r]
        if REVERSE or not EXCLUSIVE:
            tl.store(h_ptr + at, state.to(h_ptr.dtype.element_ty), mask=mask, eviction_policy="evict_first")
        if BACKWARD:
            if EXCLUSIVE:
                past = tl.load(past_ptr + at, mask=mask, other=0, eviction_policy="evict_first").to(TYPE)
            else:
                start_of_time = s == last
                past = tl.load(past_ptr + at - D, mask=mask & (s != last), other=0, eviction_policy="evict_first")
                begin = tl.load(initial_ptr + row + cols[None, :], mask=mask & start_of_time, other=0).to(TYPE)
                past = tl.where(start_of_time, begin, past.to(TYPE))
            grad = (state * past).to(ga_ptr.dtype.element_ty)
            tl.store(ga_ptr + at, grad, mask=mask, eviction_policy="evict_first")


@triton.jit
def scan_rows(
    a_ptr, b_ptr, initial_ptr, h_ptr, final_ptr, past_ptr, begin_ptr, ga_ptr, T, D: tl.constexpr, ND,
    TYPE: tl.constexpr, REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr, BACKWARD: tl.constexpr,
    R: tl.constexpr, NG: tl.constexpr, BD: tl.constexpr, STAGES: tl.constexpr,
):  # fmt: skip
    """One program a (batch, channel block): tiles in order, their loads pipelined through shared memory."""
    pid = tl.program_id(0)
    batch = (pid // ND).to(tl.int64)
    first = (pid % ND) * BD
    start = batch * T * D + first
    row = batch * D + first
    cols = tl.arange(0, BD)
    width = D - first
    state = tl.load(initial_ptr + row + cols, mask=cols < width, other=0).to(TYPE)
    one = tl.full((NG, BD), 1, TYPE)
    zero = tl.zeros((NG, BD), TYPE)
    for tile in tl.range(0, tl.cdiv(T, NG * R), num_stages=STAGES):
        gates, increments, base, left = read(
            a_ptr, b_ptr, start, tile, T, D, cols, width, R, NG, TYPE, REVERSE, EXCLUSIVE
        )
        ga, gb = fold(gates, increments, R)
        sa, sb, ea, eb = tl.associative_scan((ga, gb, one, zero), 0, compose_both)
        last = (T - 1 - tl.cast(tile, tl.int64) * (NG * R)).to(tl.int32)
        finish(
            h_ptr, past_ptr, begin_ptr, ga_ptr, ea * state[None, :] + eb, gates, increments, base, left, last, D, cols,
            width, row, R, NG, TYPE, REVERSE, EXCLUSIVE, BACKWARD,
        )  # fmt: skip
        state = last_row(sa, NG) * state + last_row(sb, NG)
    tl.store(final_ptr + row + cols, state, mask=cols < width)


@triton.jit
def scan_tiles(
    a_ptr, b_ptr, initial_ptr, h_ptr, final_ptr, past_ptr, begin_ptr, ga_ptr, slots_ptr, T, D: tl.constexpr, ND, NS,
    NT, TYPE: tl.constexpr, WORD: tl.constexpr, REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr,
    BACKWARD: tl.constexpr, R: tl.constexpr, NG: tl.constexpr, BD: tl.constexpr, W: tl.constexpr,
):  # fmt: skip
    """One program a tile. `slots` holds three words a (row block, tile, channel), all ones at the start.

    Forward progress rests on blocks being dispatched in the order of their number, as every single-pass scan's does:
    a tile waits for earlier tiles only.
    """
    pid = tl.program_id(0)
    tile = pid // NS
    block = pid % NS
    batch = (block // ND).to(tl.int64)
    first = (block % ND) * BD
    start = batch * T * D + first
    row = batch * D + first
    cols = tl.arange(0, BD)
    width = D - first
    gates, increments, base, left = read(a_ptr, b_ptr, start, tile, T, D, cols, width, R, NG, TYPE, REVERSE, EXCLUSIVE)
    ga, gb = fold(gates, increments, R)
    one = tl.full((NG, BD), 1, TYPE)
    zero = tl.zeros((NG, BD), TYPE)
    sa, sb, ea, eb = tl.associative_scan((ga, gb, one, zero), 0, compose_both)
    total_a = last_row(sa, NG)
    total_b = last_row(sb, NG)
    size = tl.cast(NS, tl.int64) * NT * BD
    line = tl.cast(block, tl.int64) * NT * BD
    slot = slots_ptr + line + tl.cast(tile, tl.int64) * BD + cols
    if tile == 0:
        state = tl.load(initial_ptr + row + cols, mask=cols < width, other=0).to(TYPE)
        publish(slot, tl.where(total_a == 0, total_b, total_a * state + total_b), WORD)
    else:
        forgets = tl.max((total_a != 0).to(tl.int32), 0) == 0
        if forgets:
            publish(slot, total_b, WORD)
        else:
            publish(slot + size, total_a, WORD)
            publish(slot + 2 * size, total_b, WORD)
        state = look_back(slots_ptr, slots_ptr + size, slots_ptr + 2 * size, line, tile, BD, W, TYPE)
        if not forgets:
            publish(slot, total_a * state + total_b, WORD)
    if tile == NT - 1:
        tl.store(final_ptr + row + cols, total_a * state + total_b, mask=cols < width)
    last = (T - 1 - tl.cast(tile, tl.int64) * (NG * R)).to(tl.int32)
    finish(
        h_ptr, past_ptr, begin_ptr, ga_ptr, ea * state[None, :] + eb, gates, increments, base, left, last, D, cols,
        width, row, R, NG, TYPE, REVERSE, EXCLUSIVE, BACKWARD,
    )  # fmt: skip
