"""Triton kernels of the general scan h_t = a_t * h_{t-1} + b_t over (B, T, D).

`scan_rows` gives one program a whole row block and walks time (many rows); `scan_tiles` gives one program one tile of
time and looks back over the earlier tiles (few rows, long time). Both work on steps [FIRST, FIRST + COUNT) in scan
order, so that a launch over whole tiles needs no masks and a second, short one does the rest. The flags:

REVERSE    time runs from T - 1 down; gates are read one step late (position t reads a_{t+1}, and 1 at the end)
EXCLUSIVE  forward: store the state before the step. Reverse: increments are read one step late as well
BACKWARD   (with REVERSE) also store grad_a_t = g_t * conj(h_{t-1}), h_{t-1} read from `past`
PTX        16-bit words are unpacked and packed in lines of PTX, see planes.py
KIND       the arithmetic of planes.py; all column counts are in words
"""

# mypy: ignore-errors
# ruff: noqa: N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_wait

from ssmc.kernels.planes import conjugate, pack, scan_groups, step, times, unpack
from ssmc.kernels.tiles import (
    first_steps,
    forgets,
    group_map,
    last_row,
    load_state,
    load_steps,
    look_back,
    prefetch,
    publish,
    row,
    store_state,
)


@triton.jit
def read(
    a_ptr, b_ptr, start, first, end, T, cols, width, one, D: tl.constexpr, R: tl.constexpr, NG: tl.constexpr,
    REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr, WHOLE: tl.constexpr, FULL: tl.constexpr,
):  # fmt: skip
    """Words of gates and increments of the tile that begins with step `first`, and where it begins in memory."""
    left = tl.minimum(end - first, NG * R).to(tl.int32)
    if REVERSE:
        base = start + (T - 1 - first) * D
        low = tl.where(first == 0, 1, 0)
        gates = load_steps(a_ptr, base + D, low, left, cols, width, one, -D, R, NG, False, FULL)
        if EXCLUSIVE:
            increments = load_steps(b_ptr, base + D, low, left, cols, width, 0, -D, R, NG, False, FULL)
        else:
            increments = load_steps(b_ptr, base, 0, left, cols, width, 0, -D, R, NG, WHOLE, FULL)
    else:
        base = start + first * D
        gates = load_steps(a_ptr, base, 0, left, cols, width, one, D, R, NG, WHOLE, FULL)
        increments = load_steps(b_ptr, base, 0, left, cols, width, 0, D, R, NG, WHOLE, FULL)
    return gates, increments, base, left


@triton.jit
def read_past(
    past_ptr, begin_ptr, base, first, left, T, cols, width, line, D: tl.constexpr, R: tl.constexpr, NG: tl.constexpr,
    KIND: tl.constexpr, TYPE: tl.constexpr, EXCLUSIVE: tl.constexpr, WHOLE: tl.constexpr, FULL: tl.constexpr,
):  # fmt: skip
    """Words of the states before the steps of a tile of the backward scan, and the state before all steps."""
    if EXCLUSIVE:
        pasts = load_steps(past_ptr, base, 0, left, cols, width, 0, -D, R, NG, WHOLE, FULL)
    else:
        earlier = tl.minimum(T - 1 - first, left).to(tl.int32)
        pasts = load_steps(past_ptr, base - D, 0, earlier, cols, width, 0, -D, R, NG, False, FULL)
    return pasts, load_state(begin_ptr, line + cols, cols < width, KIND, TYPE)


@triton.jit
def gate(word, TIME: tl.constexpr, KIND: tl.constexpr, HALF: tl.constexpr, TYPE: tl.constexpr, REVERSE: tl.constexpr):
    """The planes of a gate; the backward scan uses conjugates."""
    x = unpack(word, TIME, KIND, HALF, TYPE)
    if REVERSE:
        x = conjugate(x, KIND)
    return x


@triton.jit
def fold(
    gates, increments, KIND: tl.constexpr, HALF: tl.constexpr, TYPE: tl.constexpr, REVERSE: tl.constexpr,
    R: tl.constexpr, PTX: tl.constexpr,
):  # fmt: skip
    """The composition of each group's R maps."""
    a = gate(gates[0], 1 if PTX else 0, KIND, HALF, TYPE, REVERSE)
    b = unpack(increments[0], 1 if PTX else 0, KIND, HALF, TYPE)
    for r in tl.static_range(1, R):
        g = gate(gates[r], 1 if PTX else 0, KIND, HALF, TYPE, REVERSE)
        b = step(b, g, unpack(increments[r], 1 if PTX else 0, KIND, HALF, TYPE), KIND)
        a = times(a, g, KIND)
    return a, b


@triton.jit
def replay(
    h_ptr, ga_ptr, state, gates, increments, pasts, begin, base, first, left, T, cols, width, D: tl.constexpr, R: tl.constexpr,
    NG: tl.constexpr, KIND: tl.constexpr, HALF: tl.constexpr, TYPE: tl.constexpr, PTX: tl.constexpr,
    REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr, BACKWARD: tl.constexpr, WHOLE: tl.constexpr, FULL: tl.constexpr,
):  # fmt: skip
    """Walks a tile from the states (NG, BD) that enter its groups, and stores what the flags ask for."""
    g = tl.arange(0, NG)[:, None]
    STRIDE: tl.constexpr = -D if REVERSE else D
    TIME: tl.constexpr = 2 if PTX else 0
    STORE: tl.constexpr = h_ptr.dtype.element_ty
    last = tl.minimum(T - 1 - first, NG * R).to(tl.int32)
    states_at = first_steps(h_ptr, base, cols, STRIDE, R, NG)
    if BACKWARD:
        grads_at = first_steps(ga_ptr, base, cols, STRIDE, R, NG)
    for r in tl.static_range(R):
        s = g * R + r
        if not (WHOLE and FULL):
            mask = tl.broadcast_to(s < left, states_at.shape)
            if not FULL:
                mask = mask & (cols[None, :] < width)
        if EXCLUSIVE and not REVERSE:
            if WHOLE and FULL:
                tl.store(states_at + r * STRIDE, pack(state, PTX, KIND, HALF, STORE), eviction_policy="evict_first")
            else:
                tl.store(
                    states_at + r * STRIDE,
                    pack(state, PTX, KIND, HALF, STORE),
                    mask=mask,
                    eviction_policy="evict_first",
                )
        b = unpack(increments[r], TIME, KIND, HALF, TYPE)
        state = step(state, gate(gates[r], TIME, KIND, HALF, TYPE, REVERSE), b, KIND)
        if REVERSE or not EXCLUSIVE:
            if WHOLE and FULL:
                tl.store(states_at + r * STRIDE, pack(state, PTX, KIND, HALF, STORE), eviction_policy="evict_first")
            else:
                tl.store(
                    states_at + r * STRIDE,
                    pack(state, PTX, KIND, HALF, STORE),
                    mask=mask,
                    eviction_policy="evict_first",
                )
        if BACKWARD:
            past = unpack(pasts[r], TIME, KIND, HALF, TYPE)
            if not EXCLUSIVE:
                origin = tl.broadcast_to(s == last, states_at.shape)
                if KIND == "real":
                    past = (tl.where(origin, begin[0][None, :], past[0]),)
                else:
                    past = (
                        tl.where(origin, begin[0][None, :], past[0]),
                        tl.where(origin, begin[1][None, :], past[1]),
                    )
            grad = times(state, conjugate(past, KIND), KIND)
            word = pack(grad, PTX, KIND, HALF, ga_ptr.dtype.element_ty)
            if WHOLE and FULL:
                tl.store(grads_at + r * STRIDE, word, eviction_policy="evict_first")
            else:
                tl.store(grads_at + r * STRIDE, word, mask=mask, eviction_policy="evict_first")


@triton.jit
def scan_rows(
    a_ptr, b_ptr, initial_ptr, h_ptr, final_ptr, past_ptr, begin_ptr, ga_ptr, T, FIRST, COUNT, ONE, ND,
    D: tl.constexpr, KIND: tl.constexpr, HALF: tl.constexpr, TYPE: tl.constexpr, REVERSE: tl.constexpr,
    EXCLUSIVE: tl.constexpr, BACKWARD: tl.constexpr, R: tl.constexpr, NG: tl.constexpr, BD: tl.constexpr,
    WHOLE: tl.constexpr, FULL: tl.constexpr, STAGES: tl.constexpr, PTX: tl.constexpr,
):  # fmt: skip
    """One program a (batch, channel block): tiles in order, their loads pipelined through shared memory."""
    pid = tl.program_id(0)
    batch = (pid // ND).to(tl.int64)
    column = (pid % ND) * BD
    start = batch * T * D + column
    line = batch * D + column
    cols = tl.arange(0, BD)
    width = D - column
    state = load_state(initial_ptr, line + cols, cols < width, KIND, TYPE)
    end = tl.cast(FIRST, tl.int64) + COUNT
    for tile in tl.range(0, tl.cdiv(COUNT, NG * R), num_stages=STAGES):
        first = tl.cast(FIRST, tl.int64) + tl.cast(tile, tl.int64) * (NG * R)
        gates, increments, base, left = read(
            a_ptr, b_ptr, start, first, end, T, cols, width, ONE, D, R, NG, REVERSE, EXCLUSIVE, WHOLE, FULL
        )
        pasts = gates
        begin = state
        if BACKWARD:
            pasts, begin = read_past(
                past_ptr,
                begin_ptr,
                base,
                first,
                left,
                T,
                cols,
                width,
                line,
                D,
                R,
                NG,
                KIND,
                TYPE,
                EXCLUSIVE,
                WHOLE,
                FULL,
            )
        ga, gb = fold(gates, increments, KIND, HALF, TYPE, REVERSE, R, PTX)
        sa, sb, ea, eb = scan_groups(ga, gb, KIND)
        replay(
            h_ptr, ga_ptr, step(row(state), ea, eb, KIND), gates, increments, pasts, begin, base, first, left, T, cols,
            width, D, R, NG, KIND, HALF, TYPE, PTX, REVERSE, EXCLUSIVE, BACKWARD, WHOLE, FULL,
        )  # fmt: skip
        state = step(state, last_row(sa, NG), last_row(sb, NG), KIND)
    store_state(final_ptr, line + cols, state, cols < width)


@triton.jit
def scan_tiles(
    a_ptr, b_ptr, initial_ptr, h_ptr, final_ptr, past_ptr, begin_ptr, ga_ptr, slots_ptr, T, FIRST, COUNT, ONE, ND, NS,
    NT, D: tl.constexpr, KIND: tl.constexpr, HALF: tl.constexpr, TYPE: tl.constexpr, WORD: tl.constexpr,
    REVERSE: tl.constexpr, EXCLUSIVE: tl.constexpr, BACKWARD: tl.constexpr, R: tl.constexpr, NG: tl.constexpr,
    BD: tl.constexpr, W: tl.constexpr, WHOLE: tl.constexpr, FULL: tl.constexpr, AHEAD: tl.constexpr,
    RUNS: tl.constexpr, ASM: tl.constexpr, PTX: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """One program a tile. Every W tiles are a group, and the look-back has two levels: a tile waits for the maps of the
    earlier tiles of its group, then for the nearest known states of earlier groups. So one window reaches W * W tiles.

    `slots` holds two words a (plane, row block, tile, channel), then three a (plane, row block, group, channel), all
    ones at the start.

    Forward progress rests on blocks being dispatched in the order of their number, as every single-pass scan's does:
    a tile waits for earlier tiles only. AHEAD: the tile so many later is asked for before this one waits. PDL: the launch
    that clears the slots may still run when this one begins.
    """
    pid = tl.program_id(0)
    tile = pid // NS
    block = pid % NS
    batch = (block // ND).to(tl.int64)
    column = (block % ND) * BD
    start = batch * T * D + column
    line = batch * D + column
    cols = tl.arange(0, BD)
    width = D - column
    first = tl.cast(FIRST, tl.int64) + tl.cast(tile, tl.int64) * (NG * R)
    end = tl.cast(FIRST, tl.int64) + COUNT
    gates, increments, base, left = read(
        a_ptr, b_ptr, start, first, end, T, cols, width, ONE, D, R, NG, REVERSE, EXCLUSIVE, WHOLE, FULL
    )
    if AHEAD > 0:
        if tile + AHEAD < NT:
            ahead = base + tl.cast(AHEAD * NG * R, tl.int64) * D
            prefetch(a_ptr, ahead, RUNS, D if BD < D else NG * R * D // RUNS, ASM)
            prefetch(b_ptr, ahead, RUNS, D if BD < D else NG * R * D // RUNS, ASM)
    ga, gb = fold(gates, increments, KIND, HALF, TYPE, REVERSE, R, PTX)
    sa, sb, ea, eb = scan_groups(ga, gb, KIND)
    total_a = last_row(sa, NG)
    total_b = last_row(sb, NG)
    P: tl.constexpr = 1 if KIND == "real" else 2
    size = tl.cast(NS, tl.int64) * NT * BD
    groups = tl.cdiv(NT, W)
    group = tile // W
    lane = block.to(tl.int64) * NT * BD
    slot = slots_ptr + lane + tl.cast(tile, tl.int64) * BD + cols
    group_size = tl.cast(NS, tl.int64) * groups * BD
    group_lane = block.to(tl.int64) * groups * BD
    groups_ptr = slots_ptr + 2 * P * size
    group_slot = groups_ptr + group_lane + tl.cast(group, tl.int64) * BD + cols
    ends = tile % W == W - 1
    if PDL:
        gdc_wait()
    publish(slot, total_a, size, WORD)
    publish(slot + P * size, total_b, size, WORD)
    pasts = gates
    begin = total_a
    if BACKWARD:  # on their way during the wait
        pasts, begin = read_past(
            past_ptr, begin_ptr, base, first, left, T, cols, width, line, D, R, NG, KIND, TYPE, EXCLUSIVE, WHOLE, FULL
        )
    wa, wb = group_map(slots_ptr, size, lane + tl.cast(group, tl.int64) * W * BD, tile % W, BD, W, KIND, TYPE, WORD)
    if group == 0:
        state = load_state(initial_ptr, line + cols, cols < width, KIND, TYPE)
    else:
        if ends:
            map_a = times(wa, total_a, KIND)
            map_b = step(wb, total_a, total_b, KIND)
            if forgets(map_a):
                publish(group_slot, map_b, group_size, WORD)
            else:
                publish(group_slot + P * group_size, map_a, group_size, WORD)
                publish(group_slot + 2 * P * group_size, map_b, group_size, WORD)
        state = look_back(groups_ptr, group_size, group_lane, group, BD, W, KIND, TYPE)
    state = step(state, wa, wb, KIND)
    if ends:
        publish(group_slot, step(state, total_a, total_b, KIND), group_size, WORD)
    if tile == NT - 1:
        store_state(final_ptr, line + cols, step(state, total_a, total_b, KIND), cols < width)
    replay(
        h_ptr, ga_ptr, step(row(state), ea, eb, KIND), gates, increments, pasts, begin, base, first, left, T, cols, width, D,
        R, NG, KIND, HALF, TYPE, PTX, REVERSE, EXCLUSIVE, BACKWARD, WHOLE, FULL,
    )  # fmt: skip
