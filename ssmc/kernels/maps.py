"""Triton: an automaton's maps, composed over chunks of 256 symbols. At most 16 states: a map is 16 nibbles of a word."""

# mypy: ignore-errors
# ruff: noqa: N803, N806
# (Triton's language has no type stubs, and its constants are upper case by convention.)

from weakref import WeakKeyDictionary

import numpy as np
import torch
import triton
import triton.language as tl

from ssmc.kernels.bits import four_words, store_words

GROUP = 512
"""Chunks whose maps one program scans."""


@triton.jit
def compose_maps(f, g):
    """F then g, both maps of {0..15} as nibbles."""
    r = f ^ f
    for i in tl.static_range(16):
        s = (f >> (4 * i)) & 15
        r |= ((g >> (s * 4)) & 15) << (4 * i)
    return r


@triton.jit
def chunk_maps(
    text_ptr, table_ptr, maps_ptr, N: tl.constexpr, STATES: tl.constexpr, NG: tl.constexpr, NIBBLES: tl.constexpr
):
    """The map of each chunk: one lane a start state."""
    c = tl.program_id(0).to(tl.int64) * NG + tl.arange(0, NG)
    lane = tl.arange(0, N)[None, :]
    inside = tl.broadcast_to(lane < STATES, (NG, N))
    state = tl.broadcast_to(tl.where(lane < STATES, lane, 0), (NG, N))
    for i in range(0, 64, 4):
        words = ()
        for q in tl.static_range(4):
            words = words + (tl.load(text_ptr + c * 64 + i + q)[:, None],)  # noqa: RUF005
        for q in tl.static_range(4):
            for s in tl.static_range(4):
                x = (words[q] >> (8 * s)) & 255
                if NIBBLES:
                    m = tl.load(table_ptr + x)
                    state = ((m >> (4 * state).to(tl.int64)) & 15).to(tl.int32)
                else:
                    state = tl.load(table_ptr + x * STATES + state)
    if NIBBLES:
        tl.store(maps_ptr + c, tl.sum(state.to(tl.int64) << (4 * lane).to(tl.int64), 1))
    else:
        tl.store(maps_ptr + c[:, None] * STATES + lane, state, mask=inside)


@triton.jit
def scan_maps(maps_ptr, totals_ptr, COUNT, GROUPS, NB: tl.constexpr):
    """Inclusive scan of NB maps, in place, and the last of them (rows of COUNT maps, GROUPS programs a row)."""
    pid = tl.program_id(0)
    row = (pid // GROUPS).to(tl.int64)
    i = (pid % GROUPS) * NB + tl.arange(0, NB)
    m = tl.load(maps_ptr + row * COUNT + i, mask=i < COUNT, other=0)
    identity = tl.full((NB,), -81985529216486896, tl.int64)  # 0xFEDCBA9876543210
    m = tl.associative_scan(tl.where(i < COUNT, m, identity), 0, compose_maps)
    tl.debug_barrier()
    tl.store(maps_ptr + row * COUNT + i, m, mask=i < COUNT)
    tl.store(totals_ptr + pid, tl.sum(tl.where(tl.arange(0, NB) == NB - 1, m, 0), 0))


@triton.jit
def replay_chunks(
    text_ptr, table_ptr, output_ptr, states_ptr, out_ptr, last_ptr, STATES: tl.constexpr, NG: tl.constexpr,
    NIBBLES: tl.constexpr,
):  # fmt: skip
    """The outputs of each chunk from the state that enters it."""
    c = tl.program_id(0).to(tl.int64) * NG + tl.arange(0, NG)
    state = tl.load(states_ptr + c)
    for i in range(16):
        words = four_words(text_ptr, c * 64 + i * 4, NG, False)
        outs = ()
        for q in tl.static_range(4):
            word = tl.zeros((NG,), tl.int32)
            for s in tl.static_range(4):
                x = (words[q] >> (8 * s)) & 255
                if NIBBLES:
                    m = tl.load(table_ptr + x)
                    state = ((m >> (4 * state).to(tl.int64)) & 15).to(tl.int32)
                else:
                    state = tl.load(table_ptr + x * STATES + state)
                word = word + (tl.load(output_ptr + state).to(tl.int32) << (8 * s))
            outs = outs + (word,)  # noqa: RUF005
        store_words(out_ptr, c * 64 + i * 4, outs[0], outs[1], outs[2], outs[3], 0, NG, True, False)
    tl.store(last_ptr + c, state)


_TABLES = WeakKeyDictionary()


def _on_device(machine, table, device):
    """The table as the kernels read it and the outputs, moved once: a later call has nothing for the host to do."""
    kept = _TABLES.setdefault(machine, {})
    if device not in kept:
        if machine.states <= 16:
            shifts = np.arange(machine.states, dtype=np.uint64) * np.uint64(4)
            table = (table.astype(np.uint64) << shifts).sum(1, dtype=np.uint64).view(np.int64)
        kept[device] = torch.from_numpy(table).to(device), torch.from_numpy(machine.output).to(device)
    return kept[device]


def run(machine, table, text, entering, length):
    """The three phases over text (B, chunks * 256); `table` (256, states) holds the next states by symbol."""
    rows, padded = text.shape
    device = text.device
    chunks = padded // 256
    states = machine.states
    nibbles = states <= 16
    lanes = max(2, triton.next_power_of_2(states))
    group = max(1, min(32, 2048 // lanes))
    total = rows * chunks
    room = triton.cdiv(total, 128) * 128
    stream = torch.zeros(room * 256, dtype=torch.uint8, device=device) if room != total else text.reshape(-1)
    if room != total:
        stream[: total * 256] = text.reshape(-1)
    stream = stream.view(torch.int32)
    device_table, output = _on_device(machine, table, device)
    if nibbles:
        maps = torch.empty(room, dtype=torch.int64, device=device)
    else:
        maps = torch.empty(room, states, dtype=torch.int32, device=device)
    chunk_maps[(room // group,)](
        stream, device_table, maps, N=lanes, STATES=states, NG=group, NIBBLES=nibbles, num_warps=4
    )
    if nibbles:
        before = scan_nibbles(maps[:total].view(rows, chunks), entering)
    else:
        before = _scan_wide(maps[:total].view(rows, chunks, states), entering)
    starts = torch.zeros(room, dtype=torch.int32, device=device)
    starts[:total] = before.reshape(-1)
    outs = torch.empty(room * 256, dtype=torch.uint8, device=device)
    lasts = torch.empty(room, dtype=torch.int32, device=device)
    replay_chunks[(room // 128,)](
        stream, device_table, output, starts, outs.view(torch.int32), lasts, STATES=states, NG=128, NIBBLES=nibbles,
        num_warps=4,
    )  # fmt: skip
    out = outs[: total * 256].view(rows, padded)[:, :length]
    return out.contiguous(), lasts[:total].view(rows, chunks)[:, -1].clone()


def scan_nibbles(maps, entering):
    """The state that enters each chunk (rows, chunks): a scan in two levels, groups of 512 chunks."""
    rows, chunks = maps.shape
    groups = triton.cdiv(chunks, GROUP)
    totals = torch.empty(rows * groups, dtype=torch.int64, device=maps.device)
    scan_maps[(rows * groups,)](maps, totals, chunks, groups, NB=GROUP, num_warps=4)
    enters = entering[:, None].to(torch.int64)
    if groups > 1:
        if groups <= GROUP:
            unused = torch.empty(rows, dtype=torch.int64, device=maps.device)
            scan_maps[(rows,)](totals, unused, groups, 1, NB=triton.next_power_of_2(groups), num_warps=4)
            after = (totals.view(rows, groups)[:, :-1] >> (4 * enters)) & 15
        else:
            after = scan_nibbles(totals.view(rows, groups), entering)[:, 1:].to(torch.int64)
        enters = torch.cat([enters, after], 1)
    each = enters.repeat_interleave(GROUP, 1)[:, :chunks]
    inner = torch.cat([each[:, :1], (maps[:, :-1] >> (4 * each[:, 1:])) & 15], 1)
    first = torch.arange(chunks, device=maps.device) % GROUP == 0
    return torch.where(first, each, inner).to(torch.int32)


def _scan_wide(maps, entering):
    """The same for maps (rows, chunks, states) of any width, by doubling."""
    chunks = maps.shape[1]
    maps = maps.long()
    reach = 1
    while reach < chunks:
        maps = torch.cat([maps[:, :reach], maps[:, reach:].gather(2, maps[:, :-reach])], 1)
        reach *= 2
    after = maps.gather(2, entering.long()[:, None, None].expand(-1, chunks, 1))[..., 0]
    return torch.cat([entering.long()[:, None], after[:, :-1]], 1).to(torch.int32)
