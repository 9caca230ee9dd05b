"""Triton: what one thread of the packed-bit kernels does with its tokens (tables of machine.py, strings of fused.py).

A thread owns PER = 16 * PARTS consecutive tokens of a tile, as 4 * PARTS words. `compose` folds the maps of one layer over
them, the layers below being known; `replay` walks them once more from the true state and gives the outputs.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl

from ssmc.kernels.fields import add_fields
from ssmc.kernels.staging import gather, gather_where, pick, scatter_where

PACK = tl.constexpr(
    "{ .reg .b32 a, b, c, d; shf.r.wrap.b32 a, $5, $5, $1; shf.r.wrap.b32 b, $5, $5, $2; shf.r.wrap.b32 c, $5, $5, $3;"
    " shf.r.wrap.b32 d, $5, $5, $4; prmt.b32 a, a, b, 0x0040; prmt.b32 c, c, d, 0x0040; prmt.b32 a, a, c, 0x5410;"
    " and.b32 $0, a, 0x01010101; }"
)
"""Bits number $1..$4 (modulo 32) of $5 as the four bytes of a word."""
FOUR = tl.constexpr("ld.global.v4.b32 {$0, $1, $2, $3}, [$4];")
PUT = tl.constexpr("st.global.v4.b32 [$1], {$2, $3, $4, $5}; mov.u32 $0, 0;")


@triton.jit
def four_words(ptr, at, NG: tl.constexpr, ASM: tl.constexpr):
    """The 4 words from number `at` (a multiple of 4) on, for each thread, by one load.

    It keeps its place among barriers and waits (the compiler would move one of read-only memory to where its words are used).
    """
    if ASM:
        places = (ptr + at).to(tl.int64)
        return tl.inline_asm_elementwise(
            FOUR, "=r,=r,=r,=r,l", [places], (tl.int32, tl.int32, tl.int32, tl.int32), False, 1
        )
    else:
        v = tl.load(ptr + (at[:, None] + tl.arange(0, 4)[None, :]))
        e, f = tl.split(tl.reshape(v, (NG, 2, 2)))
        w0, w2 = tl.split(e)
        w1, w3 = tl.split(f)
        return w0, w1, w2, w3


@triton.jit
def store_words(ptr, at, w0, w1, w2, w3, left, NG: tl.constexpr, WHOLE: tl.constexpr, ASM: tl.constexpr):
    """Four words a thread by one 16-byte store; those from byte `left` on only if WHOLE."""
    if not ASM:
        p = at[:, None] + tl.arange(0, 4)[None, :]
        v = tl.reshape(tl.join(tl.join(w0, w2), tl.join(w1, w3)), (NG, 4))
        if WHOLE:
            tl.store(ptr + p, v)
        else:
            tl.store(ptr + p, v, mask=p * 4 < left)
    elif WHOLE:
        places = (ptr + at).to(tl.int64)
        tl.inline_asm_elementwise(PUT, "=r,l,r,r,r,r", [places, w0, w1, w2, w3], tl.int32, False, 1)
    else:
        scatter_where(ptr, at, w0, at * 4 < left, True)
        scatter_where(ptr, at + 1, w1, (at + 1) * 4 < left, True)
        scatter_where(ptr, at + 2, w2, (at + 2) * 4 < left, True)
        scatter_where(ptr, at + 3, w3, (at + 3) * 4 < left, True)


@triton.jit
def classes_of(text, classes_ptr, PARTS: tl.constexpr, ASM: tl.constexpr):
    """The words of text with every symbol's class in its place."""
    out = ()
    for q in tl.static_range(4 * PARTS):
        word = text[q] * 0
        for r in tl.static_range(4):
            word = word | (gather(classes_ptr, (text[q] >> (8 * r)) & 255, ASM) << (8 * r))
        out = out + (word,)
    return out


@triton.jit
def entry_of(
    tables_ptr, base, word, low, BYTE: tl.constexpr, READS: tl.constexpr, HALF: tl.constexpr, OFFSET: tl.constexpr,
    SIZE: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """An entry as it lies in memory: one word with both gates, HALF bits each, or two tables of wide words.

    The table has SIZE entries, a row of symbols or classes for each value of the READS low bits, and begins with entry OFFSET of
    the tables; COPIES: they lie in shared memory at `base`.
    """
    ROW: tl.constexpr = SIZE >> READS
    if COPIES == 0:
        at = (word >> (8 * BYTE)) & 255
        if READS > 0:
            at = at + low * ROW
        if HALF == 64:
            return gather(tables_ptr, OFFSET + at, ASM), gather(tables_ptr, OFFSET + SIZE + at, ASM)
        else:
            return (gather(tables_ptr, OFFSET + at, ASM),)
    else:
        EACH: tl.constexpr = 4 if HALF == 16 else 8
        STEP: tl.constexpr = EACH * COPIES
        if READS > 0:
            base = base + low * (ROW * STEP)
        if HALF == 64:
            return (
                pick(base, word, BYTE, EACH, STEP, OFFSET * STEP),
                pick(base, word, BYTE, EACH, STEP, (OFFSET + SIZE) * STEP),
            )
        else:
            return (pick(base, word, BYTE, EACH, STEP, OFFSET * STEP),)


@triton.jit
def gates(entry, HALF: tl.constexpr):
    """Keep and add of an entry. Bits from HALF up are rubbish; nothing reads them."""
    if HALF == 64:
        return entry[0], entry[1]
    else:
        return entry[0].to(tl.int32), (entry[0] >> HALF).to(tl.int32)


@triton.jit
def starting(
    keep, add, starts_ptr, inside, string, left, LENGTH, g, N: tl.constexpr, KNOWN: tl.constexpr, STRINGS: tl.constexpr,
    STARTS: tl.constexpr, PARTS: tl.constexpr, WHOLE: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """The map (keep, add) with what a string that begins with token N of the thread does to it; behind the last token no string begins."""
    if STRINGS == "none" or (STRINGS == "aligned" and N > 0):
        return keep, add
    else:
        if STRINGS == "aligned":
            begins = inside == 0
            index = string
        elif STRINGS == "long":
            begins = inside == 0
            if N > 0:
                begins = inside + N == LENGTH
            index = string + tl.where(inside == 0, 0, 1)
        else:
            begins = (inside + N) % LENGTH == 0
            index = string + (inside + N) // LENGTH
        if not WHOLE:
            begins = begins & (g * (16 * PARTS) + N < left)
        if STARTS:
            fresh = gather_where(starts_ptr, index, begins, ASM) & KNOWN
        else:
            fresh = add * 0
        return tl.where(begins, 0, keep), tl.where(begins, fresh, add)


@triton.jit
def compose(
    text, tables_ptr, base, starts_ptr, add, inside, string, left, LENGTH, g, READS: tl.constexpr, OFFSET: tl.constexpr,
    SIZE: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, STRINGS: tl.constexpr,
    STARTS: tl.constexpr, PARTS: tl.constexpr, WHOLE: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """The map of each thread's tokens in one layer, from `add`: the state of the layers below, and zero elsewhere.

    Returns keep, add (the layers below in their state after the last token), and the entries on the way.
    KNOWN: the bits that `add` takes where a string begins.
    """
    keep = add * 0 - 1
    entries = ()
    for q in tl.static_range(4 * PARTS):
        for r in tl.static_range(4):
            keep, add = starting(
                keep, add, starts_ptr, inside, string, left, LENGTH, g, 4 * q + r, KNOWN, STRINGS, STARTS, PARTS, WHOLE, ASM
            )  # fmt: skip
            low = (add & ((1 << READS) - 1)).to(tl.int32)
            entry = entry_of(tables_ptr, base, text[q], low, r, READS, HALF, OFFSET, SIZE, COPIES, ASM)
            k, a = gates(entry, HALF)
            if not WHOLE:
                live = g * (16 * PARTS) + (4 * q + r) < left
                k = tl.where(live, k, -1)
                a = tl.where(live, a, 0)
            add = add_fields(add & k, a, TOPS)
            keep = keep & k
            entries = entries + (entry,)
    return keep, add, entries


@triton.jit
def four_bits(states, TRUTH, ASM: tl.constexpr):
    """Bits number (low 5 bits of four states) of TRUTH as the bytes of a word."""
    s0 = states[0].to(tl.int32)
    s1 = states[1].to(tl.int32)
    s2 = states[2].to(tl.int32)
    s3 = states[3].to(tl.int32)
    if ASM:
        return tl.inline_asm_elementwise(PACK, "=r,r,r,r,r,r", [s0, s1, s2, s3, TRUTH], tl.int32, True, 1)
    else:
        low = ((TRUTH >> (s0 & 31)) & 1) | (((TRUTH >> (s1 & 31)) & 1) << 8)
        return low | (((TRUTH >> (s2 & 31)) & 1) << 16) | (((TRUTH >> (s3 & 31)) & 1) << 24)


@triton.jit
def output_of(
    output_ptr, base, word, add, BYTE: tl.constexpr, READS: tl.constexpr, ROW: tl.constexpr, COPIES: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """The output of a table with ROW bytes for each value of the READS low bits of a state (1: whatever the symbol is).

    COPIES: the table lies in shared memory at `base`.
    """
    low = (add & ((1 << READS) - 1)).to(tl.int32)
    if COPIES > 0:
        return pick(base + low * ROW, word, BYTE, 1, 1 if ROW > 1 else 0, 0)
    elif ROW > 1:
        return gather(output_ptr, low * ROW + ((word >> (8 * BYTE)) & 255), ASM)
    else:
        return gather(output_ptr, low, ASM)


@triton.jit
def replay(
    text, entries, output_ptr, out_base, starts_ptr, final_ptr, out_ptr, add, inside, string, left, LENGTH, TRUTH, g,
    KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr,
    TOLD: tl.constexpr, OUT_READS: tl.constexpr, OUT_ROW: tl.constexpr, OUT_COPIES: tl.constexpr, OUT: tl.constexpr,
    FINAL: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, WHOLE: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """Each thread's outputs from the state `add` on, through the entries of the last layer.

    TOLD, how an output is known: by the state "before" the symbol and the symbol, by the state "after" it, both of a table; "truth": bit
    (low 5 bits of the state after) of TRUTH.
    """
    PER: tl.constexpr = 16 * PARTS
    words = ()
    for q in tl.static_range(4 * PARTS):
        word = tl.zeros((NG,), tl.int32)
        states = ()
        for r in tl.static_range(4):
            _k, add = starting(
                add, add, starts_ptr, inside, string, left, LENGTH, g, 4 * q + r, KNOWN, STRINGS, STARTS, PARTS, WHOLE, ASM
            )  # fmt: skip
            if OUT != "none" and TOLD == "before":
                o = output_of(output_ptr, out_base, text[q], add, r, OUT_READS, OUT_ROW, OUT_COPIES, ASM)
                word = word | (o << (8 * r))
            k, a = gates(entries[4 * q + r], HALF)
            if not WHOLE:
                live = g * PER + (4 * q + r) < left
                k = tl.where(live, k, -1)
                a = tl.where(live, a, 0)
            add = add_fields(add & k, a, TOPS)
            states = states + (add,)
            if OUT != "none" and TOLD == "after":
                o = output_of(output_ptr, out_base, text[q], add, r, OUT_READS, OUT_ROW, OUT_COPIES, ASM)
                word = word | (o << (8 * r))
            if FINAL and (STRINGS != "aligned" or 4 * q + r == PER - 1):
                ends = (inside + (4 * q + r + 1)) % LENGTH == 0
                if not WHOLE:
                    ends = ends & (g * PER + (4 * q + r) < left)
                scatter_where(final_ptr, string + (inside + (4 * q + r)) // LENGTH, add & KNOWN, ends, ASM)
        if OUT != "none" and TOLD == "truth":
            word = four_bits(states, TRUTH, ASM)
        words = words + (word,)
    for part in tl.static_range(PARTS):
        w0 = words[4 * part]
        w1 = words[4 * part + 1]
        w2 = words[4 * part + 2]
        w3 = words[4 * part + 3]
        if OUT == "bytes":
            store_words(out_ptr, g * (4 * PARTS) + part * 4, w0, w1, w2, w3, left, NG, WHOLE, ASM)
        if OUT == "bits":
            low = nibble(w0) | (nibble(w1) << 4) | (nibble(w2) << 8) | (nibble(w3) << 12)
            at = g * PARTS + part
            scatter_where(out_ptr, at, low, at * 16 < left if not WHOLE else at >= 0, ASM)


@triton.jit
def nibble(word):
    """The lowest bits of four bytes side by side."""
    x = word & 0x01010101
    return (x | (x >> 7) | (x >> 14) | (x >> 21)) & 15
