"""Triton: machines of one layer, without a look-back: the map of each long chunk, then every chunk on its own.

Where symbols reset, the map of a chunk is that of its last few symbols, so the first launch reads next to nothing; and
no program waits for another, so any order of execution, stream or graph is safe.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl

from ssmc.kernels.bits import store_words
from ssmc.kernels.fields import add_fields, last_of, scan_threads, scan_window


@triton.jit
def where(origin, g, LENGTH, STRINGS: tl.constexpr, PARTS: tl.constexpr):
    """For each thread of a tile the string that its first token belongs to, and the place in it."""
    if STRINGS == "none":
        return origin + g * (16 * PARTS), g
    else:
        string = (origin + g * (16 * PARTS)) // LENGTH
        return string, (origin + g * (16 * PARTS) - string * LENGTH).to(tl.int32)


@triton.jit
def fetch(ptr, at, NG: tl.constexpr):
    """16 bytes a thread."""
    return tl.load(ptr + at[:, None] + tl.arange(0, 4)[None, :])


@triton.jit
def four(v, NG: tl.constexpr):
    """The four words of each thread's 16 bytes."""
    e, f = tl.split(tl.reshape(v, (NG, 2, 2)))
    w0, w2 = tl.split(e)
    w1, w3 = tl.split(f)
    return w0, w1, w2, w3


@triton.jit
def starting(
    keep, add, starts_ptr, inside, string, LENGTH, N: tl.constexpr, KNOWN: tl.constexpr, STRINGS: tl.constexpr,
    STARTS: tl.constexpr,
):  # fmt: skip
    """The map (keep, add) with what a string that begins with token N of the thread does to it."""
    if STRINGS == "none":
        return keep, add
    else:
        if STRINGS == "long":
            begins = (inside + N == LENGTH) | (inside + N == 0)
            index = string + tl.where(inside + N >= LENGTH, 1, 0)
        else:
            begins = (inside + N) % LENGTH == 0
            index = string + (inside + N) // LENGTH
        if STARTS:
            fresh = tl.load(starts_ptr + index, mask=begins, other=0) & KNOWN
        else:
            fresh = add * 0
        return tl.where(begins, 0, keep), tl.where(begins, fresh, add)


@triton.jit
def split_entry(e, HALF: tl.constexpr):
    """Keep and add of a narrow entry; bits from HALF up are rubbish."""
    return e.to(tl.int32), (e >> HALF).to(tl.int32)


@triton.jit
def entries_of(
    text, classes_ptr, tables_ptr, starts_ptr, inside, string, LENGTH, g, WORD: tl.constexpr, OWN: tl.constexpr,
    HALF: tl.constexpr, TOPS: tl.constexpr, DIRECT: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr,
):  # fmt: skip
    """The table entries of each thread's 32 tokens (8 words), and the map that they compose to."""
    entries = ()
    keep = tl.full(g.shape, -1, WORD)
    add = tl.zeros(g.shape, WORD)
    for q in tl.static_range(8):
        for r in tl.static_range(4):
            x = (text[q] >> (8 * r)) & 255
            if not DIRECT:
                x = tl.load(classes_ptr + x).to(tl.int32)
            e = tl.load(tables_ptr + x)
            entries = entries + (e,)
            k, a = split_entry(e, HALF)
            keep, add = starting(keep, add, starts_ptr, inside, string, LENGTH, 4 * q + r, OWN, STRINGS, STARTS)
            add = add_fields(add & k, a, TOPS)
            keep = keep & k
    return entries, keep & OWN, add & OWN


@triton.jit
def reduce_chunks(
    tokens_ptr, classes_ptr, tables_ptr, starts_ptr, keeps_ptr, adds_ptr, FIRST, TILES, NT, LENGTH, NG: tl.constexpr,
    OWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, DIRECT: tl.constexpr, STRINGS: tl.constexpr,
    STARTS: tl.constexpr,
):  # fmt: skip
    """One program a chunk of TILES tiles (the last may have fewer): the map of the chunk, for machines of one layer.

    Tiles are read from the last one back, and only until the map forgets what came before: where symbols reset, this
    pass reads next to nothing.
    """
    chunk = tl.program_id(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    first = chunk * TILES
    tile = tl.minimum(first + TILES, NT) - 1
    keep = tl.full((), -1, WORD)
    add = tl.full((), 0, WORD)
    at = tl.cast(tile, tl.int64) * (NG * 8)
    v0 = fetch(tokens_ptr + at, g * 8, NG)
    v1 = fetch(tokens_ptr + at, g * 8 + 4, NG)
    while tile >= first:
        string, inside = where(tl.cast(tile, tl.int64) * (NG * 32) + FIRST, g, LENGTH, STRINGS, 2)
        text = four(v0, NG) + four(v1, NG)
        ahead = tl.cast(tl.maximum(tile - 1, first), tl.int64) * (NG * 8)
        v0 = fetch(tokens_ptr + ahead, g * 8, NG)
        v1 = fetch(tokens_ptr + ahead, g * 8 + 4, NG)
        _entries, k, a = entries_of(
            text, classes_ptr, tables_ptr, starts_ptr, inside, string, LENGTH, g, WORD, OWN, HALF, TOPS, DIRECT, STRINGS,
            STARTS,
        )  # fmt: skip
        sk, sa, _ek, _ea = scan_threads(k, a, TOPS)
        add = add_fields(last_of(sa, NG) & keep, add, TOPS)
        keep = last_of(sk, NG) & keep
        tile = tl.where(keep == 0, first - 1, tile - 1)
    tl.store(keeps_ptr + 1 + chunk, keep)
    tl.store(adds_ptr + 1 + chunk, add)


@triton.jit
def run_chunks(
    tokens_ptr, classes_ptr, tables_ptr, output_ptr, entry_ptr, starts_ptr, out_ptr, final_ptr, end_ptr, keeps_ptr,
    adds_ptr, FIRST, TILES, NT, LENGTH, TRUTH, NG: tl.constexpr, CHUNKS: tl.constexpr,
    OWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, DIRECT: tl.constexpr,
    OUT_READS: tl.constexpr, AFTER: tl.constexpr, OUT: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr,
    FINAL: tl.constexpr, LITERAL: tl.constexpr,
):  # fmt: skip
    """One program a chunk: composes the maps of the earlier chunks, then walks its tiles in order.

    A thread's 32 entries stay in registers between composition and replay, and the next tile's text is on its way
    meanwhile. LITERAL: the output is bit (low 5 bits of the state) of TRUTH.
    Entries are narrow: at most 32 bits of state.
    """
    chunk = tl.program_id(0)
    g = tl.arange(0, NG)
    c = tl.arange(0, CHUNKS)
    before_k = tl.load(keeps_ptr + 1 + c, mask=c < chunk, other=-1)
    before_a = tl.load(adds_ptr + 1 + c, mask=c < chunk, other=0)
    before_keep, before_add = scan_window(before_k, before_a, CHUNKS, TOPS)
    state = add_fields(tl.load(entry_ptr) & before_keep & OWN, before_add, TOPS)
    stop = tl.minimum(chunk * TILES + TILES, NT)
    first_at = tl.cast(chunk * TILES, tl.int64) * (NG * 8)
    v0 = fetch(tokens_ptr + first_at, g * 8, NG)
    v1 = fetch(tokens_ptr + first_at, g * 8 + 4, NG)
    for tile in range(chunk * TILES, stop):
        at = tl.cast(tile, tl.int64) * (NG * 8)
        string, inside = where(at * 4 + FIRST, g, LENGTH, STRINGS, 2)
        text = four(v0, NG) + four(v1, NG)
        ahead = tl.cast(tl.minimum(tile + 1, stop - 1), tl.int64) * (NG * 8)
        v0 = fetch(tokens_ptr + ahead, g * 8, NG)
        v1 = fetch(tokens_ptr + ahead, g * 8 + 4, NG)
        entries, k, a = entries_of(
            text, classes_ptr, tables_ptr, starts_ptr, inside, string, LENGTH, g, keeps_ptr.dtype.element_ty, OWN, HALF,
            TOPS, DIRECT, STRINGS, STARTS,
        )  # fmt: skip
        sk, sa, ek, ea = scan_threads(k, a, TOPS)
        add = add_fields(state & ek, ea, TOPS)
        state = add_fields(state & last_of(sk, NG), last_of(sa, NG), TOPS)
        outs = ()
        bits = tl.zeros((NG,), tl.int32)
        for q in tl.static_range(8):
            word = tl.zeros((NG,), tl.int32)
            for r in tl.static_range(4):
                _k, add = starting(add, add, starts_ptr, inside, string, LENGTH, 4 * q + r, OWN, STRINGS, STARTS)
                if OUT != "none" and not AFTER:
                    x = (text[q] >> (8 * r)) & 255
                    if not DIRECT:
                        x = tl.load(classes_ptr + x).to(tl.int32)
                    o = tl.load(output_ptr + ((x << OUT_READS) | (add & ((1 << OUT_READS) - 1)))).to(tl.int32)
                k, a = split_entry(entries[4 * q + r], HALF)
                add = add_fields(add & k, a, TOPS)
                if OUT != "none":
                    if AFTER:
                        low = add & ((1 << OUT_READS) - 1)
                        if LITERAL:
                            o = (TRUTH >> low) & 1
                        else:
                            o = tl.load(output_ptr + low).to(tl.int32)
                    if OUT == "bits":
                        bits = bits + ((o & 1) << (4 * q + r))
                    else:
                        word = word + (o << (8 * r))
                if FINAL:
                    ends = (inside + (4 * q + r) + 1) % LENGTH == 0
                    tl.store(final_ptr + string + (inside + (4 * q + r)) // LENGTH, add & OWN, mask=ends)
            outs = outs + (word,)
        if OUT == "bytes":
            store_words(out_ptr + at, g * 8, outs[0], outs[1], outs[2], outs[3], 0, NG, True)
            store_words(out_ptr + at, g * 8 + 4, outs[4], outs[5], outs[6], outs[7], 0, NG, True)
        if OUT == "bits":
            tl.store(out_ptr + tile * NG + g, bits)
    if chunk == tl.num_programs(0) - 1:
        tl.store(end_ptr, state)
