"""Triton: a cascade of packed bits over bytes, fused from token to output in one launch (tables of machine.py).

A thread owns some 32 consecutive tokens of one flat stream; strings of equal length lie end to end and the state is reset
where one begins. Pass p (one a layer) composes the maps of layer p over the tile, with the true states of the layers
below; the composition (keep, add) and those states live in the same two words, since `add` starts from the states that
are known and from zero elsewhere. Each pass ends with a look-back of two levels, as in scans.py, and the last pass
replays all layers and looks up the outputs. Every published word carries its flag in its upper half.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl

from ssmc.kernels.fields import add_fields, enter, last_of, scan_threads


@triton.jit
def gates(table_ptr, at, HALF: tl.constexpr, WIDE: tl.constexpr, SIZE: tl.constexpr):
    """Keep and add of a table entry: one word with both, HALF bits each, or two tables of wide words.

    Bits from HALF up are rubbish; nothing reads them.
    """
    if WIDE:
        return tl.load(table_ptr + at), tl.load(table_ptr + SIZE + at)
    else:
        e = tl.load(table_ptr + at)
        return e.to(tl.int32), (e >> HALF).to(tl.int32)


@triton.jit
def four_words(ptr, at, left, NG: tl.constexpr, WHOLE: tl.constexpr):
    """16 bytes a thread as 4 words, by one load."""
    p = at[:, None] + tl.arange(0, 4)[None, :]
    if WHOLE:
        v = tl.load(ptr + p)
    else:
        v = tl.load(ptr + p, mask=p * 4 < left, other=0)
    e, f = tl.split(tl.reshape(v, (NG, 2, 2)))
    w0, w2 = tl.split(e)
    w1, w3 = tl.split(f)
    return w0, w1, w2, w3


@triton.jit
def store_words(ptr, at, w0, w1, w2, w3, left, NG: tl.constexpr, WHOLE: tl.constexpr):
    """Four words a thread by one 16-byte store."""
    p = at[:, None] + tl.arange(0, 4)[None, :]
    v = tl.reshape(tl.join(tl.join(w0, w2), tl.join(w1, w3)), (NG, 4))
    if WHOLE:
        tl.store(ptr + p, v)
    else:
        tl.store(ptr + p, v, mask=p * 4 < left)


@triton.jit
def walk(
    tokens_ptr, classes_ptr, table_ptr, output_ptr, starts_ptr, final_ptr, out_ptr, add, inside, string, left, LENGTH, g,
    READS: tl.constexpr, SIZE: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, WIDE: tl.constexpr,
    TOPS: tl.constexpr, DIRECT: tl.constexpr, OUT_READS: tl.constexpr, AFTER: tl.constexpr, OUT: tl.constexpr,
    STRINGS: tl.constexpr, STARTS: tl.constexpr, FINAL: tl.constexpr, NG: tl.constexpr, WHOLE: tl.constexpr,
    PARTS: tl.constexpr,
):  # fmt: skip
    """Each thread's 16 * PARTS steps from `add`: the composed keep and the last add; outputs are stored.

    A runtime loop over rounds of 16 steps: unrolling them all makes the compiler's time explode.

    KNOWN: the bits whose true state `add` is to hold where a string begins.
    """
    keep = add * 0 - 1
    for part in range(PARTS):
        text = four_words(tokens_ptr, g * (4 * PARTS) + part * 4, left, NG, WHOLE)
        bits = tl.zeros(g.shape, tl.int32)
        outs = ()
        for q in tl.static_range(4):
            word = tl.zeros(g.shape, tl.int32)
            for r in tl.static_range(4):
                c = (text[q] >> (8 * r)) & 255
                if not DIRECT:
                    c = tl.load(classes_ptr + c).to(tl.int32)
                if STRINGS != "none":
                    if STRINGS == "long":
                        begins = (inside + (16 * part + 4 * q + r) == LENGTH) | (inside + (16 * part + 4 * q + r) == 0)
                        index = string + tl.where(inside + (16 * part + 4 * q + r) >= LENGTH, 1, 0)
                    else:
                        begins = (inside + (16 * part + 4 * q + r)) % LENGTH == 0
                        index = string + (inside + (16 * part + 4 * q + r)) // LENGTH
                    if not WHOLE:
                        begins = begins & (g * (16 * PARTS) + (16 * part + 4 * q + r) < left)
                    keep = tl.where(begins, 0, keep)
                    if STARTS:
                        add = tl.where(begins, tl.load(starts_ptr + index, mask=begins, other=0) & KNOWN, add)
                    else:
                        add = tl.where(begins, 0, add)
                if OUT != "none" and not AFTER:
                    low = (add & ((1 << OUT_READS) - 1)).to(tl.int32)
                    o = tl.load(output_ptr + ((c << OUT_READS) | low)).to(tl.int32)
                if READS > 0:
                    low = (add & ((1 << READS) - 1)).to(tl.int32)
                    k, a = gates(table_ptr, (c << READS) | low, HALF, WIDE, SIZE)
                else:
                    k, a = gates(table_ptr, c, HALF, WIDE, SIZE)
                if not WHOLE:
                    live = g * (16 * PARTS) + (16 * part + 4 * q + r) < left
                    k = tl.where(live, k, -1)
                    a = tl.where(live, a, 0)
                add = add_fields(add & k, a, TOPS)
                keep = keep & k
                if OUT != "none":
                    if AFTER:
                        o = tl.load(output_ptr + (add & ((1 << OUT_READS) - 1)).to(tl.int32)).to(tl.int32)
                    if OUT == "bits":
                        bits = bits | ((o & 1) << (4 * q + r))
                    else:
                        word = word | (o << (8 * r))
                if FINAL:
                    ends = (inside + (16 * part + 4 * q + r) + 1) % LENGTH == 0
                    if not WHOLE:
                        ends = ends & (g * (16 * PARTS) + (16 * part + 4 * q + r) < left)
                    index = string + (inside + (16 * part + 4 * q + r)) // LENGTH
                    tl.store(final_ptr + index, add & KNOWN, mask=ends)
            outs = outs + (word,)
        if OUT == "bytes":
            store_words(out_ptr, g * (4 * PARTS) + part * 4, outs[0], outs[1], outs[2], outs[3], left, NG, WHOLE)
        if OUT == "bits":
            at = g * PARTS + part
            if WHOLE:
                tl.store(out_ptr + at, bits.to(tl.int16))
            else:
                tl.store(out_ptr + at, bits.to(tl.int16), mask=at * 16 < left)
    return keep, add


@triton.jit
def run_bits(
    tokens_ptr, classes_ptr, tables_ptr, output_ptr, entry_ptr, starts_ptr, out_ptr, final_ptr, end_ptr, slots_ptr, BASE,
    FIRST, COUNT, LENGTH, NT, NG: tl.constexpr, W: tl.constexpr, DEPTH: tl.constexpr, READS: tl.constexpr,
    OFFSETS: tl.constexpr, SIZES: tl.constexpr, OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr,
    WIDE: tl.constexpr, TOPS: tl.constexpr, DIRECT: tl.constexpr, OUT_READS: tl.constexpr, AFTER: tl.constexpr,
    OUT: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr, FINAL: tl.constexpr, WHOLE: tl.constexpr,
    PARTS: tl.constexpr,
):  # fmt: skip
    """One program a tile of NG * 16 * PARTS tokens of [FIRST, FIRST + COUNT) of the stream, which lie in memory from BASE on.

    DIRECT  tables are indexed by tokens, not classes
    OUT     bytes, bits (one a token, 16 a word) or none
    STRINGS none: one string, `entry` enters it. long, short: strings of LENGTH tokens (at least 16 * PARTS, or fewer) begin at
            its multiples, from the states `starts` (STARTS) or zero; `entry` enters the first token where none begins
    FINAL   store the state after the last token of each string
    """
    tile = tl.program_id(0)
    g = tl.arange(0, NG)
    origin = tl.cast(FIRST, tl.int64) + tl.cast(tile, tl.int64) * (NG * 16 * PARTS)
    at = (origin - BASE) // 4
    left = tl.minimum(tl.cast(FIRST, tl.int64) + COUNT - origin, NG * 16 * PARTS).to(tl.int32)
    entry = tl.load(entry_ptr)
    string = origin + g * (16 * PARTS)
    inside = g
    if STRINGS != "none":
        string = (origin + g * (16 * PARTS)) // LENGTH
        inside = (origin + g * (16 * PARTS) - string * LENGTH).to(tl.int32)
    known = tl.zeros((NG,), entry.dtype)
    for depth in tl.static_range(DEPTH):
        keep, add = walk(
            tokens_ptr + at, classes_ptr, tables_ptr + OFFSETS[depth], output_ptr, starts_ptr, final_ptr, out_ptr, known, inside, string, left,
            LENGTH, g, READS[depth], SIZES[depth], KNOWN[depth], HALF, WIDE, TOPS, DIRECT, OUT_READS, AFTER, "none",
            STRINGS, STARTS, False, NG, WHOLE, PARTS,
        )  # fmt: skip
        sk, sa, ek, ea = scan_threads(keep & OWNS[depth], add & OWNS[depth], TOPS)
        before = enter(
            slots_ptr + depth * (4 if WIDE else 2) * (NT + tl.cdiv(NT, W)), tile, NT, last_of(sk, NG), last_of(sa, NG),
            entry & OWNS[depth], W, TOPS, WIDE,
        )  # fmt: skip
        known = known | (add_fields(before & ek, ea, TOPS) & OWNS[depth])
    _keep, add = walk(
        tokens_ptr + at, classes_ptr, tables_ptr + OFFSETS[DEPTH - 1], output_ptr, starts_ptr, final_ptr, out_ptr + (at // 4 if OUT == "bits" else at), known, inside, string, left,
        LENGTH, g, READS[DEPTH - 1], SIZES[DEPTH - 1], KNOWN[DEPTH - 1], HALF, WIDE, TOPS, DIRECT, OUT_READS, AFTER, OUT,
        STRINGS, STARTS, FINAL, NG, WHOLE, PARTS,
    )  # fmt: skip
    if tile == NT - 1:
        tl.store(end_ptr + g * 0, add & KNOWN[DEPTH - 1], mask=g == NG - 1)
