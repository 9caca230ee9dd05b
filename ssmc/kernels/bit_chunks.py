"""Triton: a cascade of packed bits over bytes, without any waiting between programs (tables of machine.py).

The tokens are one stream, cut into chunks of whole tiles; strings of equal length may lie end to end in it. Launch 0 finds
what each chunk does to the state: where symbols reset, the last few symbols of a chunk decide that for every layer at once
(`reduce_chunks`), so it reads next to nothing. Launch p knows the layers below p of the chunks that were not decided, and decides
layer p and all above by the last tile, or walks the chunk for layer p (`deepen_chunks`). The last launch walks every chunk from its true state (`run_chunks`).
No program waits for another, so any order of execution, stream or graph is safe.

Inside a tile a thread composes its tokens' maps, one layer after the other; a scan over the threads, into whose first one
the state that enters the tile is folded, gives the states that enter the threads; the tile's last state travels to the
next tile in thread 0.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl
from triton.language.extra.cuda import gdc_launch_dependents, gdc_wait

from ssmc.kernels.bit_tiles import (
    before,
    decide,
    enter_chunk,
    load_text,
    place,
    settle,
    spread,
    sum_of,
    tile_map,
    told,
    whereabouts,
)
from ssmc.kernels.bits import compose, replay
from ssmc.kernels.fields import add_fields, scan_maps
from ssmc.kernels.staging import scatter_where, stage

WALKED = tl.constexpr(1 << 16)
"""Added to the number of decided layers of a chunk that was walked for the last of them."""


@triton.jit
def reduce_chunks(
    tokens_ptr, classes_ptr, tables_ptr, sums_ptr, starts_ptr, keeps_ptr, adds_ptr, early_ptr, done_ptr, TILES, NT,
    LENGTH, DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr, SIZES: tl.constexpr, OWNS: tl.constexpr,
    KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, SYMBOLS: tl.constexpr, STRINGS: tl.constexpr,
    STARTS: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, SUMS: tl.constexpr,
    SUM_SIZE: tl.constexpr, SUM_TOPS: tl.constexpr, MASKS: tl.constexpr, SHIFTS: tl.constexpr, SUM_WORDS: tl.constexpr,
    ENTRIES: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """One program a chunk of TILES tiles (the last may have fewer): the map of the chunk in layer 0, or in every layer.

    Tiles are read from the last one back, and only until the map forgets what came before. Where it keeps no more than fields
    that no symbol resets (SUMS), the rest is a sum over narrower entries (`Places`). With more than one layer the last tile may decide some or all of
    them; otherwise `early` gets the map of what lies before it. `done` gets the number of layers that are decided, and WALKED if `early` is there for them.
    """
    if PDL:
        gdc_launch_dependents()
    chunk = tl.program_id(0)
    chunks = tl.num_programs(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    TILE: tl.constexpr = NG * 16 * PARTS
    first = chunk * TILES
    tile = tl.minimum(first + TILES, NT) - 1
    ahead = load_text(tokens_ptr, tl.cast(tile, tl.int64) * (TILE // 4), g, NG, PARTS, ASM)
    base = stage(tables_ptr, g, ENTRIES, 4 if HALF == 16 else 8, COPIES, NG)
    last_keep = tl.full((), -1, WORD)
    last_add = tl.zeros((NG,), WORD)
    if DEPTH > 1:
        string, inside = whereabouts(tl.cast(tile, tl.int64) * TILE, LENGTH, STRINGS)
        text = told(ahead, classes_ptr, PARTS, SYMBOLS, ASM)
        level = decide(
            text, tables_ptr, base, starts_ptr, keeps_ptr, adds_ptr, tl.zeros((NG,), WORD), string, inside, LENGTH, 0, DEPTH,
            READS, OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS, STRINGS, STARTS, NG, PARTS, COPIES, ASM,
        )  # fmt: skip
        done = level > 0
        tl.store(done_ptr + chunk, tl.where(done, level, 1 + WALKED))
        if not done:
            last_keep, last_add = tile_map(
                text, tables_ptr, base, starts_ptr, string, inside, LENGTH, READS, OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS,
                STRINGS, STARTS, NG, PARTS, COPIES, ASM, WORD,
            )  # fmt: skip
        tile -= 1
        ahead = load_text(tokens_ptr, tl.cast(tl.maximum(tile, first), tl.int64) * (TILE // 4), g, NG, PARTS, ASM)
    else:
        done = tile < first
    if not done:
        keep = tl.full((), -1, WORD)
        add = tl.zeros((NG,), WORD)
        if SUMS != -1:  # (a loop that never turns is more than the compiler takes)
            while (tile >= first) & ((keep & ~SUMS) != 0):
                string, inside = whereabouts(tl.cast(tile, tl.int64) * TILE, LENGTH, STRINGS)
                text = told(ahead, classes_ptr, PARTS, SYMBOLS, ASM)
                place_ahead = tl.cast(tl.maximum(tile - 1, first), tl.int64) * (TILE // 4)
                ahead = load_text(tokens_ptr, place_ahead, g, NG, PARTS, ASM)
                k, a = tile_map(
                    text, tables_ptr, base, starts_ptr, string, inside, LENGTH, READS, OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS,
                    STRINGS, STARTS, NG, PARTS, COPIES, ASM, WORD,
                )  # fmt: skip
                add = add_fields(a & keep, add, TOPS)
                keep = keep & k
                tile -= 1
        if SUMS != 0:
            if keep != 0:
                narrow = stage(sums_ptr.to(tl.pointer_type(tl.int32)), g, SUM_WORDS, 4, 1 if COPIES > 0 else 0, NG)
                sums = tl.zeros((NG,), tl.int32)
                for left in range(tile, first - 1, -1):
                    text = told(ahead, classes_ptr, PARTS, SYMBOLS, ASM)
                    place_ahead = tl.cast(tl.maximum(left - 1, first), tl.int64) * (TILE // 4)
                    ahead = load_text(tokens_ptr, place_ahead, g, NG, PARTS, ASM)
                    sums = sum_of(text, sums_ptr, narrow, sums, PARTS, SUM_SIZE, SUM_TOPS, COPIES, ASM)
                _k, sums = scan_maps(tl.full((NG,), -1, tl.int32), sums, SUM_TOPS)
                total = tl.gather(sums, g * 0 + (NG - 1), 0)
                add = add_fields(spread(total, MASKS, SHIFTS, WORD) & keep, add, TOPS)
        if DEPTH > 1:
            tl.store(early_ptr + chunk, keep)
            scatter_where(early_ptr, DEPTH * chunks + chunk + g * 0, add, g == 0, ASM)
            add = add_fields(add & last_keep, last_add, TOPS)
            keep = keep & last_keep
        tl.store(keeps_ptr + chunk, keep)
        scatter_where(adds_ptr, chunk + g * 0, add, g == 0, ASM)


@triton.jit
def deepen_chunks(
    tokens_ptr, classes_ptr, tables_ptr, entry_ptr, starts_ptr, keeps_ptr, adds_ptr, early_ptr, done_ptr, TILES, NT, LENGTH,
    LAYER: tl.constexpr, DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr, SIZES: tl.constexpr,
    OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, SYMBOLS: tl.constexpr,
    STRINGS: tl.constexpr, STARTS: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, CHUNKS: tl.constexpr,
    ENTRIES: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """One program a chunk that is not decided in layer LAYER: its map there, the maps of the layers below being there.

    Where the chunk was walked for the layer below, the state in which these enter the last tile is known too (`early`), and that tile may now
    decide some of the others. Otherwise the chunk is walked.
    """
    if PDL:
        gdc_launch_dependents()
        gdc_wait()
    chunk = tl.program_id(0)
    chunks = tl.num_programs(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    TILE: tl.constexpr = NG * 16 * PARTS
    first = chunk * TILES
    stop = tl.minimum(first + TILES, NT)
    mark = tl.load(done_ptr + chunk)
    if (mark & (WALKED - 1)) <= LAYER:
        base = stage(tables_ptr, g, ENTRIES, 4 if HALF == 16 else 8, COPIES, NG)
        entry = tl.load(entry_ptr)
        carry = tl.zeros((NG,), WORD)
        for d in tl.static_range(LAYER):
            carry = carry | enter_chunk(
                keeps_ptr + d * chunks, adds_ptr + d * chunks, chunk, entry & OWNS[d], CHUNKS, NG, TOPS, ASM
            )
        level = tl.full((), LAYER, tl.int32)
        if mark >= WALKED:
            early = tl.zeros((NG,), WORD)
            for d in tl.static_range(LAYER):
                kept = tl.load(early_ptr + d * chunks + chunk)
                added = tl.load(early_ptr + (DEPTH + d) * chunks + chunk)
                early = early | (add_fields(carry & kept, added, TOPS) & OWNS[d])
            origin = tl.cast(stop - 1, tl.int64) * TILE
            string, inside = whereabouts(origin, LENGTH, STRINGS)
            ahead = load_text(tokens_ptr, origin // 4, g, NG, PARTS, ASM)
            text = told(ahead, classes_ptr, PARTS, SYMBOLS, ASM)
            level = decide(
                text, tables_ptr, base, starts_ptr, keeps_ptr, adds_ptr, early, string, inside, LENGTH, LAYER, DEPTH, READS,
                OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS, STRINGS, STARTS, NG, PARTS, COPIES, ASM,
            )  # fmt: skip
        tl.store(done_ptr + chunk, tl.where(level > LAYER, level, LAYER + 1 + WALKED))
        if level == LAYER:
            keep = tl.full((NG,), -1, WORD)
            add = tl.zeros((NG,), WORD)
            start = tl.cast(first, tl.int64) * TILE
            string, inside = whereabouts(start, LENGTH, STRINGS)
            ahead = load_text(tokens_ptr, start // 4, g, NG, PARTS, ASM)
            for tile in range(first, stop):
                if LAYER < DEPTH - 1:
                    last = (g == 0) & (tile == stop - 1)
                    at = chunk + g * 0
                    for d in tl.static_range(LAYER):
                        scatter_where(early_ptr, d * chunks + at, carry * 0, last, ASM)
                        scatter_where(early_ptr, (DEPTH + d) * chunks + at, carry & OWNS[d], last, ASM)
                    scatter_where(early_ptr, LAYER * chunks + at, keep, last, ASM)
                    scatter_where(early_ptr, (DEPTH + LAYER) * chunks + at, add, last, ASM)
                text = told(ahead, classes_ptr, PARTS, SYMBOLS, ASM)
                place_ahead = tl.cast(tl.minimum(tile + 1, stop - 1), tl.int64) * (TILE // 4)
                ahead = load_text(tokens_ptr, place_ahead, g, NG, PARTS, ASM)
                strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
                entering = tl.zeros((NG,), WORD)
                following = tl.zeros((NG,), WORD)
                for d in tl.static_range(LAYER):
                    k, a, _entries = compose(
                        text, tables_ptr, base, starts_ptr, entering, insides, strings, 0, LENGTH, g, READS[d], OFFSETS[d],
                        SIZES[d], KNOWN[d], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES, ASM,
                    )  # fmt: skip
                    enters, leaves = settle(k & OWNS[d], a & OWNS[d], carry & OWNS[d], g, NG, TOPS)
                    entering = entering | enters
                    following = following | leaves
                carry = following
                k, a, _entries = compose(
                    text, tables_ptr, base, starts_ptr, entering, insides, strings, 0, LENGTH, g, READS[LAYER],
                    OFFSETS[LAYER], SIZES[LAYER], KNOWN[LAYER], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES, ASM,
                )  # fmt: skip
                k = k & OWNS[LAYER]
                a = a & OWNS[LAYER]
                a = tl.where(g == 0, add_fields(add & k, a, TOPS), a)
                k = tl.where(g == 0, keep & k, k)
                sk, sa = scan_maps(k, a, TOPS)
                keep = before(sk, g, NG)
                add = before(sa, g, NG)
                if STRINGS != "none":
                    string += (inside + TILE) // LENGTH
                    inside = (inside + TILE) % LENGTH
            scatter_where(keeps_ptr, LAYER * chunks + chunk + g * 0, keep, g == 0, ASM)
            scatter_where(adds_ptr, LAYER * chunks + chunk + g * 0, add, g == 0, ASM)


@triton.jit
def run_chunks(
    tokens_ptr, classes_ptr, tables_ptr, output_ptr, entry_ptr, starts_ptr, out_ptr, final_ptr, end_ptr, keeps_ptr,
    adds_ptr, FIRST, COUNT, TILES, NT, LENGTH, TRUTH, DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr,
    SIZES: tl.constexpr, OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr,
    SYMBOLS: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr, TOLD: tl.constexpr, OUT_READS: tl.constexpr,
    OUT_ROW: tl.constexpr, OUT_WORDS: tl.constexpr, OUT_COPIES: tl.constexpr, OUT: tl.constexpr, FINAL: tl.constexpr,
    NG: tl.constexpr, PARTS: tl.constexpr, CHUNKS: tl.constexpr, WHOLE: tl.constexpr, ENTRIES: tl.constexpr,
    COPIES: tl.constexpr, ASM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """One program a chunk: the outputs of its tiles, in order, from the state that the earlier chunks leave.

    The tokens are number FIRST to FIRST + COUNT of the stream; the next tile's text is on its way during a tile.
    WHOLE: COUNT is a number of whole tiles (otherwise there is one tile, cut short).
    """
    chunk = tl.program_id(0)
    chunks = tl.num_programs(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    TILE: tl.constexpr = NG * 16 * PARTS
    first = chunk * TILES
    stop = tl.minimum(first + TILES, NT)
    start = tl.cast(first, tl.int64) * TILE
    string, inside = whereabouts(start + FIRST, LENGTH, STRINGS)
    ahead = load_text(tokens_ptr, start // 4, g, NG, PARTS, ASM)
    base = stage(tables_ptr, g, ENTRIES, 4 if HALF == 16 else 8, COPIES, NG)
    out_base = stage(output_ptr.to(tl.pointer_type(tl.int32)), g, OUT_WORDS, 4, OUT_COPIES, NG)
    if PDL:
        gdc_wait()
    entry = tl.load(entry_ptr)
    carry = tl.zeros((NG,), WORD)
    for d in tl.static_range(DEPTH):
        carry = carry | enter_chunk(
            keeps_ptr + d * chunks, adds_ptr + d * chunks, chunk, entry & OWNS[d], CHUNKS, NG, TOPS, ASM
        )
    for tile in range(first, stop):
        text = told(ahead, classes_ptr, PARTS, SYMBOLS, ASM)
        place_ahead = tl.cast(tl.minimum(tile + 1, stop - 1), tl.int64) * (TILE // 4)
        ahead = load_text(tokens_ptr, place_ahead, g, NG, PARTS, ASM)
        strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
        entering = tl.zeros((NG,), WORD)
        following = tl.zeros((NG,), WORD)
        for d in tl.static_range(DEPTH):
            k, a, entries = compose(
                text, tables_ptr, base, starts_ptr, entering, insides, strings, COUNT, LENGTH, g, READS[d], OFFSETS[d],
                SIZES[d], KNOWN[d], HALF, TOPS, STRINGS, STARTS, PARTS, WHOLE, COPIES, ASM,
            )  # fmt: skip
            enters, leaves = settle(k & OWNS[d], a & OWNS[d], carry & OWNS[d], g, NG, TOPS)
            entering = entering | enters
            following = following | leaves
        carry = following
        at = tl.cast(tile, tl.int64) * (NG * PARTS if OUT == "bits" else TILE // 4)
        replay(
            text, entries, output_ptr, out_base, starts_ptr, final_ptr, out_ptr + at, entering, insides, strings, COUNT, LENGTH,
            TRUTH, g, KNOWN[DEPTH - 1], HALF, TOPS, STRINGS, STARTS, TOLD, OUT_READS, OUT_ROW, OUT_COPIES, OUT, FINAL, NG,
            PARTS, WHOLE, ASM,
        )  # fmt: skip
        if STRINGS != "none":
            string += (inside + TILE) // LENGTH
            inside = (inside + TILE) % LENGTH
    if chunk == chunks - 1:
        scatter_where(end_ptr, g * 0, carry & KNOWN[DEPTH - 1], g == 0, ASM)
