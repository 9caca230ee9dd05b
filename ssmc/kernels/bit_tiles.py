"""Triton pieces shared by the kernels of packed bits: what a tile does to the state, and what its threads know of each other.

A tile is NG threads by 16 * PARTS tokens; chunks of whole tiles are what programs own (bit_chunks.py).
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl

from ssmc.kernels.bits import classes_of, compose, four_words
from ssmc.kernels.fields import add_fields, scan_maps, scan_window
from ssmc.kernels.staging import gather, gather_where, pick, scatter_where


@triton.jit
def before(x, g, NG: tl.constexpr):
    """Each thread's predecessor's value; thread 0 gets the last one's."""
    return tl.gather(x, (g + (NG - 1)) & (NG - 1), 0)


@triton.jit
def load_text(ptr, at, g, NG: tl.constexpr, PARTS: tl.constexpr, ASM: tl.constexpr):
    """The words of a tile, 4 * PARTS a thread; behind the last token the text is filled up."""
    out = ()
    for part in tl.static_range(PARTS):
        out = out + four_words(ptr + at, g * (4 * PARTS) + 4 * part, NG, ASM)
    return out


@triton.jit
def told(text, classes_ptr, PARTS: tl.constexpr, SYMBOLS: tl.constexpr, ASM: tl.constexpr):
    """The words of a tile as what indexes the tables: symbols (of tables with SYMBOLS rows) or classes (0)."""
    if SYMBOLS == 0:
        return classes_of(text, classes_ptr, PARTS, ASM)
    elif SYMBOLS == 256:
        return text
    else:
        out = ()
        for q in tl.static_range(4 * PARTS):
            out = out + (text[q] & ((SYMBOLS - 1) * 0x01010101),)
        return out


@triton.jit
def place(string, inside, g, LENGTH, STRINGS: tl.constexpr, PARTS: tl.constexpr):
    """Of each thread's first token the string and the place in it, from those of the tile's first token."""
    if STRINGS == "none":
        return g, g
    else:
        total = inside + g * (16 * PARTS)
        passed = total // LENGTH
        return string + passed, total - passed * LENGTH


@triton.jit
def whereabouts(origin, LENGTH, STRINGS: tl.constexpr):
    """The string that a token of the stream belongs to, and its place there."""
    if STRINGS == "none":
        return origin, tl.full((), 0, tl.int32)
    else:
        string = origin // LENGTH
        return string, (origin - string * LENGTH).to(tl.int32)


@triton.jit
def settle(keep, add, carry, g, NG: tl.constexpr, TOPS: tl.constexpr):
    """The states that enter the threads, given the one that enters thread 0; in thread 0, also the one that leaves."""
    first = g == 0
    a = tl.where(first, add_fields(carry & keep, add, TOPS), add)
    _k, states = scan_maps(tl.where(first, 0, keep), a, TOPS)
    left_behind = before(states, g, NG)
    return tl.where(first, carry, left_behind), left_behind


@triton.jit
def enter_chunk(
    keeps_ptr, adds_ptr, chunk, entry, CHUNKS: tl.constexpr, NG: tl.constexpr, TOPS: tl.constexpr, ASM: tl.constexpr
):  # fmt: skip
    """The state that enters a chunk, in one layer: the composition of the maps before it, or the last one if it forgets."""
    state = entry
    if chunk > 0:
        keep = tl.load(keeps_ptr + chunk - 1)
        add = tl.load(adds_ptr + chunk - 1)
        if keep != 0:
            EACH: tl.constexpr = (CHUNKS + NG - 1) // NG
            keeps = tl.full((NG,), -1, keeps_ptr.dtype.element_ty)
            adds = tl.zeros((NG,), keeps_ptr.dtype.element_ty)
            for e in tl.static_range(EACH):
                c = tl.arange(0, NG) * EACH + e
                k = tl.where(c < chunk, gather_where(keeps_ptr, c, c < chunk, ASM, False), -1)
                adds = add_fields(adds & k, gather_where(adds_ptr, c, c < chunk, ASM, False), TOPS)
                keeps = keeps & k
            keep, add = scan_window(keeps, adds, NG, TOPS)
        state = add_fields(entry & keep, add, TOPS)
    return state


@triton.jit
def decide(
    text, tables_ptr, base, starts_ptr, keeps_ptr, adds_ptr, carry, string, inside, LENGTH, FROM: tl.constexpr,
    DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr, SIZES: tl.constexpr, OWNS: tl.constexpr,
    KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr,
    NG: tl.constexpr, PARTS: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr,
):  # fmt: skip
    """How many layers a chunk's last tile decides: whatever enters it in layer FROM and above, they leave it in one state, the chunk's map.

    `carry` is the state of the layers below FROM that enters the tile. A thread knows its state in a layer as soon as the
    earlier threads' map there forgets. Threads that do not know the layers below hold; a layer is decided where its map over the
    others forgets too.
    """
    chunk = tl.program_id(0)
    chunks = tl.num_programs(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
    entering = tl.zeros((NG,), WORD)
    ends = tl.zeros((NG,), WORD)
    known = tl.full((), 0, tl.int32)
    level = tl.full((), FROM, tl.int32)
    for d in tl.static_range(DEPTH):
        k, a, _entries = compose(
            text, tables_ptr, base, starts_ptr, entering, insides, strings, 0, LENGTH, g, READS[d], OFFSETS[d], SIZES[d],
            KNOWN[d], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES, ASM,
        )  # fmt: skip
        if d < FROM:
            enters, _leaves = settle(k & OWNS[d], a & OWNS[d], carry & OWNS[d], g, NG, TOPS)
            entering = entering | enters
        else:
            sk, sa = scan_maps(tl.where(g < known, -1, k) & OWNS[d], tl.where(g < known, 0, a) & OWNS[d], TOPS)
            known = tl.maximum(known, tl.min(tl.where(sk == 0, g + 1, NG + 1), 0))
            level += (known <= NG).to(tl.int32)
            entering = entering | before(sa, g, NG)
            ends = ends | sa
    if level > FROM:
        for d in tl.static_range(FROM, DEPTH):
            at = d * chunks + chunk + g * 0
            stores = (g == NG - 1) & (d < level)
            scatter_where(keeps_ptr, at, tl.zeros((NG,), WORD), stores, ASM)
            scatter_where(adds_ptr, at, ends & OWNS[d], stores, ASM)
    return level


@triton.jit
def tile_map(
    text, tables_ptr, base, starts_ptr, string, inside, LENGTH, READS: tl.constexpr, OFFSETS: tl.constexpr,
    SIZES: tl.constexpr, OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr,
    STRINGS: tl.constexpr, STARTS: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, COPIES: tl.constexpr,
    ASM: tl.constexpr, WORD: tl.constexpr,
):  # fmt: skip
    """The map of a tile in layer 0: `keep` as one number, since it decides loops, and `add` in every thread."""
    g = tl.arange(0, NG)
    strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
    k, a, _entries = compose(
        text, tables_ptr, base, starts_ptr, tl.zeros((NG,), WORD), insides, strings, 0, LENGTH, g, READS[0], OFFSETS[0],
        SIZES[0], KNOWN[0], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES, ASM,
    )  # fmt: skip
    sk, sa = scan_maps(k & OWNS[0], a & OWNS[0], TOPS)
    return tl.sum(tl.where(g == NG - 1, sk, 0), 0), tl.gather(sa, g * 0 + (NG - 1), 0)


@triton.jit
def sum_of(
    text, sums_ptr, base, sums, PARTS: tl.constexpr, SIZE: tl.constexpr, TOPS: tl.constexpr, COPIES: tl.constexpr,
    ASM: tl.constexpr,
):  # fmt: skip
    """`sums` and what each thread's tokens add to the fields that no symbol resets."""
    for q in tl.static_range(4 * PARTS):
        for r in tl.static_range(4):
            if COPIES == 0:
                word = gather(sums_ptr, (text[q] >> (8 * r)) & 255, ASM)
            else:
                word = pick(base, text[q], r, SIZE, SIZE, 0)
            sums = add_fields(sums, word, TOPS)
    return sums


@triton.jit
def spread(sums, MASKS: tl.constexpr, SHIFTS: tl.constexpr, WORD: tl.constexpr):
    """The sums of fields side by side, as they lie in the state."""
    out = tl.zeros(sums.shape, WORD)
    for k in tl.static_range(len(MASKS)):
        out = out | ((sums.to(WORD) & MASKS[k]) << SHIFTS[k])
    return out
