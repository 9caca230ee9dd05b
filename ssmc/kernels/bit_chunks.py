"""Triton: a cascade of packed bits over bytes, without any waiting between programs (tables of machine.py).

The tokens are one stream, cut into chunks of whole tiles; strings of equal length may lie end to end in it. Launch 0 finds
what each chunk does to the state: where symbols reset, the last few symbols of a chunk decide that for every layer at once
(`reduce_chunks`), so it reads next to nothing. Layer p > 0 of the chunks that were not decided is done by launch p
(`deepen_chunks`), which knows the layers below. The last launch walks every chunk from its true state (`run_chunks`).
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

from ssmc.kernels.bits import classes_of, compose, fetch, four, replay
from ssmc.kernels.fields import add_fields, compose_bits, compose_fields, compose_sticky, saturates, scan_window
from ssmc.kernels.staging import pick, stage


@triton.jit
def scan_maps(k, a, TOPS: tl.constexpr):
    """Inclusive scan of the maps of a tile's threads."""
    if saturates(TOPS):
        tops = tl.full(k.shape, TOPS[0], k.dtype)
        k, a, _t, _s = tl.associative_scan((k, a, tops, tl.full(k.shape, TOPS[1], k.dtype)), 0, compose_sticky)
    elif TOPS == -1:
        k, a = tl.associative_scan((k, a), 0, compose_bits)
    else:
        k, a, _t = tl.associative_scan((k, a, tl.full(k.shape, TOPS, k.dtype)), 0, compose_fields)
    return k, a


@triton.jit
def before(x, g, NG: tl.constexpr):
    """Each thread's predecessor's value; thread 0 gets the last one's."""
    return tl.gather(x, (g + (NG - 1)) & (NG - 1), 0)


@triton.jit
def load_text(ptr, at, g, left, NG: tl.constexpr, PARTS: tl.constexpr, WHOLE: tl.constexpr):
    """The blocks of 16 bytes of a tile."""
    out = ()
    for part in tl.static_range(PARTS):
        out = out + (fetch(ptr + at, g * (4 * PARTS) + 4 * part, left, NG, WHOLE),)
    return out


@triton.jit
def words_of(blocks, classes_ptr, NG: tl.constexpr, PARTS: tl.constexpr, DIRECT: tl.constexpr):
    """The words of a tile's blocks, as what indexes the tables: symbols (DIRECT) or classes."""
    text = ()
    for part in tl.static_range(PARTS):
        text = text + four(blocks[part], NG)
    if not DIRECT:
        text = classes_of(text, classes_ptr, PARTS)
    return text


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
def enter_chunk(keeps_ptr, adds_ptr, chunk, entry, CHUNKS: tl.constexpr, TOPS: tl.constexpr):
    """The state that enters a chunk, in one layer: the composition of the maps before it, or the last one if it forgets."""
    state = entry
    if chunk > 0:
        keep = tl.load(keeps_ptr + chunk - 1)
        add = tl.load(adds_ptr + chunk - 1)
        if keep != 0:
            c = tl.arange(0, CHUNKS)
            keeps = tl.load(keeps_ptr + c, mask=c < chunk, other=-1)
            adds = tl.load(adds_ptr + c, mask=c < chunk, other=0)
            keep, add = scan_window(keeps, adds, CHUNKS, TOPS)
        state = add_fields(entry & keep, add, TOPS)
    return state


@triton.jit
def decide(
    text, tables_ptr, base, starts_ptr, keeps_ptr, adds_ptr, carry, string, inside, LENGTH, FROM: tl.constexpr,
    DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr, SIZES: tl.constexpr, OWNS: tl.constexpr,
    KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr,
    NG: tl.constexpr, PARTS: tl.constexpr, COPIES: tl.constexpr,
):  # fmt: skip
    """Whether a chunk's last tile, whatever enters it in layer FROM and above, leaves one state; then it is the chunk's map.

    `carry` is the state of the layers below FROM that enters the tile. A thread knows its state in a layer as soon as the
    earlier threads' map there forgets. Threads that do not know the layers below hold; where the last layer's map over the
    others forgets too, all is known.
    """
    chunk = tl.program_id(0)
    chunks = tl.num_programs(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
    entering = tl.zeros((NG,), WORD)
    ends = tl.zeros((NG,), WORD)
    known = tl.full((), 0, tl.int32)
    for d in tl.static_range(DEPTH):
        k, a, _entries = compose(
            text, tables_ptr, base, starts_ptr, entering, insides, strings, 0, LENGTH, g, READS[d], OFFSETS[d], SIZES[d],
            KNOWN[d], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES,
        )  # fmt: skip
        if d < FROM:
            enters, _leaves = settle(k & OWNS[d], a & OWNS[d], carry & OWNS[d], g, NG, TOPS)
            entering = entering | enters
        else:
            sk, sa = scan_maps(tl.where(g < known, -1, k) & OWNS[d], tl.where(g < known, 0, a) & OWNS[d], TOPS)
            known = tl.min(tl.where(sk == 0, g + 1, NG + 1), 0)
            entering = entering | before(sa, g, NG)
            ends = ends | sa
    if known <= NG:
        for d in tl.static_range(FROM, DEPTH):
            at = d * chunks + chunk + g * 0
            tl.store(keeps_ptr + at, tl.zeros((NG,), WORD), mask=g == NG - 1)
            tl.store(adds_ptr + at, ends & OWNS[d], mask=g == NG - 1)
    return known <= NG


@triton.jit
def tile_map(
    text, tables_ptr, base, starts_ptr, string, inside, LENGTH, READS: tl.constexpr, OFFSETS: tl.constexpr,
    SIZES: tl.constexpr, OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr,
    STRINGS: tl.constexpr, STARTS: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, COPIES: tl.constexpr,
    WORD: tl.constexpr,
):  # fmt: skip
    """The map of a tile in layer 0: `keep` as one number, since it decides loops, and `add` in every thread."""
    g = tl.arange(0, NG)
    strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
    k, a, _entries = compose(
        text, tables_ptr, base, starts_ptr, tl.zeros((NG,), WORD), insides, strings, 0, LENGTH, g, READS[0], OFFSETS[0],
        SIZES[0], KNOWN[0], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES,
    )  # fmt: skip
    sk, sa = scan_maps(k & OWNS[0], a & OWNS[0], TOPS)
    return tl.sum(tl.where(g == NG - 1, sk, 0), 0), tl.gather(sa, g * 0 + (NG - 1), 0)


@triton.jit
def sum_of(
    text, sums_ptr, base, sums, PARTS: tl.constexpr, SIZE: tl.constexpr, TOPS: tl.constexpr, COPIES: tl.constexpr
):  # fmt: skip
    """`sums` and what each thread's tokens add to the fields that no symbol resets."""
    for q in tl.static_range(4 * PARTS):
        for r in tl.static_range(4):
            if COPIES == 0:
                word = tl.load(sums_ptr + ((text[q] >> (8 * r)) & 255)).to(tl.int32)
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


@triton.jit
def reduce_chunks(
    tokens_ptr, classes_ptr, tables_ptr, sums_ptr, starts_ptr, keeps_ptr, adds_ptr, early_ptr, done_ptr, TILES, NT,
    LENGTH, DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr, SIZES: tl.constexpr, OWNS: tl.constexpr,
    KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, DIRECT: tl.constexpr, STRINGS: tl.constexpr,
    STARTS: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, SUMS: tl.constexpr,
    SUM_SIZE: tl.constexpr, SUM_TOPS: tl.constexpr, MASKS: tl.constexpr, SHIFTS: tl.constexpr, SUM_WORDS: tl.constexpr,
    ENTRIES: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """One program a chunk of TILES tiles (the last may have fewer): the map of the chunk in layer 0, or in every layer.

    Tiles are read from the last one back, and only until the map forgets what came before. Where it keeps no more than fields
    that no symbol resets (SUMS), the rest is a sum over narrower entries (`Places`). With more than one layer the last tile may decide them all, and the chunk is done; otherwise
    `early` gets the map of what lies before it.
    """
    if PDL:
        gdc_launch_dependents()
    chunk = tl.program_id(0)
    chunks = tl.num_programs(0)
    g = tl.arange(0, NG)
    WORD: tl.constexpr = keeps_ptr.dtype.element_ty
    TILE: tl.constexpr = NG * 16 * PARTS
    base = stage(tables_ptr, g, ENTRIES, 4 if HALF == 16 else 8, COPIES, NG)
    first = chunk * TILES
    tile = tl.minimum(first + TILES, NT) - 1
    blocks = load_text(tokens_ptr, tl.cast(tile, tl.int64) * (TILE // 4), g, 0, NG, PARTS, True)
    last_keep = tl.full((), -1, WORD)
    last_add = tl.zeros((NG,), WORD)
    if DEPTH > 1:
        string, inside = whereabouts(tl.cast(tile, tl.int64) * TILE, LENGTH, STRINGS)
        text = words_of(blocks, classes_ptr, NG, PARTS, DIRECT)
        done = decide(
            text, tables_ptr, base, starts_ptr, keeps_ptr, adds_ptr, tl.zeros((NG,), WORD), string, inside, LENGTH, 0, DEPTH,
            READS, OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS, STRINGS, STARTS, NG, PARTS, COPIES,
        )  # fmt: skip
        tl.store(done_ptr + chunk, done.to(tl.int32))
        if not done:
            last_keep, last_add = tile_map(
                text, tables_ptr, base, starts_ptr, string, inside, LENGTH, READS, OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS,
                STRINGS, STARTS, NG, PARTS, COPIES, WORD,
            )  # fmt: skip
        tile -= 1
        blocks = load_text(tokens_ptr, tl.cast(tl.maximum(tile, first), tl.int64) * (TILE // 4), g, 0, NG, PARTS, True)
    else:
        done = tile < first
    if not done:
        keep = tl.full((), -1, WORD)
        add = tl.zeros((NG,), WORD)
        if SUMS != -1:  # (a loop that never turns is more than the compiler takes)
            while (tile >= first) & ((keep & ~SUMS) != 0):
                string, inside = whereabouts(tl.cast(tile, tl.int64) * TILE, LENGTH, STRINGS)
                text = words_of(blocks, classes_ptr, NG, PARTS, DIRECT)
                ahead = tl.cast(tl.maximum(tile - 1, first), tl.int64) * (TILE // 4)
                blocks = load_text(tokens_ptr, ahead, g, 0, NG, PARTS, True)
                k, a = tile_map(
                    text, tables_ptr, base, starts_ptr, string, inside, LENGTH, READS, OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS,
                    STRINGS, STARTS, NG, PARTS, COPIES, WORD,
                )  # fmt: skip
                add = add_fields(a & keep, add, TOPS)
                keep = keep & k
                tile -= 1
        if SUMS != 0:
            if keep != 0:
                narrow = stage(sums_ptr.to(tl.pointer_type(tl.int32)), g, SUM_WORDS, 4, 1 if COPIES > 0 else 0, NG)
                sums = tl.zeros((NG,), tl.int32)
                for left in range(tile, first - 1, -1):
                    text = words_of(blocks, classes_ptr, NG, PARTS, DIRECT)
                    ahead = tl.cast(tl.maximum(left - 1, first), tl.int64) * (TILE // 4)
                    blocks = load_text(tokens_ptr, ahead, g, 0, NG, PARTS, True)
                    sums = sum_of(text, sums_ptr, narrow, sums, PARTS, SUM_SIZE, SUM_TOPS, COPIES)
                _k, sums = scan_maps(tl.full((NG,), -1, tl.int32), sums, SUM_TOPS)
                total = tl.gather(sums, g * 0 + (NG - 1), 0)
                add = add_fields(spread(total, MASKS, SHIFTS, WORD) & keep, add, TOPS)
        if DEPTH > 1:
            tl.store(early_ptr + chunk, keep)
            tl.store(early_ptr + DEPTH * chunks + chunk + g * 0, add, mask=g == 0)
            add = add_fields(add & last_keep, last_add, TOPS)
            keep = keep & last_keep
        tl.store(keeps_ptr + chunk, keep)
        tl.store(adds_ptr + chunk + g * 0, add, mask=g == 0)


@triton.jit
def deepen_chunks(
    tokens_ptr, classes_ptr, tables_ptr, entry_ptr, starts_ptr, keeps_ptr, adds_ptr, early_ptr, done_ptr, TILES, NT, LENGTH,
    LAYER: tl.constexpr, DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr, SIZES: tl.constexpr,
    OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr, DIRECT: tl.constexpr,
    STRINGS: tl.constexpr, STARTS: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr, CHUNKS: tl.constexpr,
    ENTRIES: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr, PDL: tl.constexpr,
):  # fmt: skip
    """One program a chunk that is not done: its map in layer LAYER, the maps of the layers below being there.

    They give the state in which those layers enter the last tile, which may now decide the others. Otherwise the chunk is walked.
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
    done = tl.load(done_ptr + chunk) != 0
    if not done:
        base = stage(tables_ptr, g, ENTRIES, 4 if HALF == 16 else 8, COPIES, NG)
        entry = tl.load(entry_ptr)
        carry = tl.zeros((NG,), WORD)
        early = tl.zeros((NG,), WORD)
        for d in tl.static_range(LAYER):
            state = enter_chunk(keeps_ptr + d * chunks, adds_ptr + d * chunks, chunk, entry & OWNS[d], CHUNKS, TOPS)
            kept = tl.load(early_ptr + d * chunks + chunk)
            added = tl.load(early_ptr + (DEPTH + d) * chunks + chunk)
            carry = carry | state
            early = early | add_fields(state & kept, added, TOPS)
        origin = tl.cast(stop - 1, tl.int64) * TILE
        string, inside = whereabouts(origin, LENGTH, STRINGS)
        blocks = load_text(tokens_ptr, origin // 4, g, 0, NG, PARTS, True)
        text = words_of(blocks, classes_ptr, NG, PARTS, DIRECT)
        done = decide(
            text, tables_ptr, base, starts_ptr, keeps_ptr, adds_ptr, early, string, inside, LENGTH, LAYER, DEPTH, READS,
            OFFSETS, SIZES, OWNS, KNOWN, HALF, TOPS, STRINGS, STARTS, NG, PARTS, COPIES,
        )  # fmt: skip
        tl.store(done_ptr + chunk, done.to(tl.int32))
        if not done:
            keep = tl.full((NG,), -1, WORD)
            add = tl.zeros((NG,), WORD)
            start = tl.cast(first, tl.int64) * TILE
            string, inside = whereabouts(start, LENGTH, STRINGS)
            blocks = load_text(tokens_ptr, start // 4, g, 0, NG, PARTS, True)
            for tile in range(first, stop):
                at = LAYER * chunks + chunk + g * 0
                tl.store(early_ptr + at, keep, mask=(g == 0) & (tile == stop - 1))
                tl.store(early_ptr + DEPTH * chunks + at, add, mask=(g == 0) & (tile == stop - 1))
                text = words_of(blocks, classes_ptr, NG, PARTS, DIRECT)
                ahead = tl.cast(tl.minimum(tile + 1, stop - 1), tl.int64) * (TILE // 4)
                blocks = load_text(tokens_ptr, ahead, g, 0, NG, PARTS, True)
                strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
                entering = tl.zeros((NG,), WORD)
                following = tl.zeros((NG,), WORD)
                for d in tl.static_range(LAYER):
                    k, a, _entries = compose(
                        text, tables_ptr, base, starts_ptr, entering, insides, strings, 0, LENGTH, g, READS[d], OFFSETS[d],
                        SIZES[d], KNOWN[d], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES,
                    )  # fmt: skip
                    enters, leaves = settle(k & OWNS[d], a & OWNS[d], carry & OWNS[d], g, NG, TOPS)
                    entering = entering | enters
                    following = following | leaves
                carry = following
                k, a, _entries = compose(
                    text, tables_ptr, base, starts_ptr, entering, insides, strings, 0, LENGTH, g, READS[LAYER],
                    OFFSETS[LAYER], SIZES[LAYER], KNOWN[LAYER], HALF, TOPS, STRINGS, STARTS, PARTS, True, COPIES,
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
            tl.store(keeps_ptr + LAYER * chunks + chunk + g * 0, keep, mask=g == 0)
            tl.store(adds_ptr + LAYER * chunks + chunk + g * 0, add, mask=g == 0)


@triton.jit
def run_chunks(
    tokens_ptr, classes_ptr, tables_ptr, output_ptr, entry_ptr, starts_ptr, out_ptr, final_ptr, end_ptr, keeps_ptr,
    adds_ptr, FIRST, COUNT, TILES, NT, LENGTH, TRUTH, DEPTH: tl.constexpr, READS: tl.constexpr, OFFSETS: tl.constexpr,
    SIZES: tl.constexpr, OWNS: tl.constexpr, KNOWN: tl.constexpr, HALF: tl.constexpr, TOPS: tl.constexpr,
    DIRECT: tl.constexpr, STRINGS: tl.constexpr, STARTS: tl.constexpr, OUT_READS: tl.constexpr, AFTER: tl.constexpr,
    OUT: tl.constexpr, FINAL: tl.constexpr, LITERAL: tl.constexpr, NG: tl.constexpr, PARTS: tl.constexpr,
    CHUNKS: tl.constexpr, WHOLE: tl.constexpr, ENTRIES: tl.constexpr, COPIES: tl.constexpr, ASM: tl.constexpr,
    PDL: tl.constexpr,
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
    base = stage(tables_ptr, g, ENTRIES, 4 if HALF == 16 else 8, COPIES, NG)
    first = chunk * TILES
    stop = tl.minimum(first + TILES, NT)
    start = tl.cast(first, tl.int64) * TILE
    string, inside = whereabouts(start + FIRST, LENGTH, STRINGS)
    blocks = load_text(tokens_ptr, start // 4, g, COUNT, NG, PARTS, WHOLE)
    if PDL:
        gdc_wait()
    entry = tl.load(entry_ptr)
    carry = tl.zeros((NG,), WORD)
    for d in tl.static_range(DEPTH):
        carry = carry | enter_chunk(keeps_ptr + d * chunks, adds_ptr + d * chunks, chunk, entry & OWNS[d], CHUNKS, TOPS)
    for tile in range(first, stop):
        text = words_of(blocks, classes_ptr, NG, PARTS, DIRECT)
        ahead = tl.cast(tl.minimum(tile + 1, stop - 1), tl.int64) * (TILE // 4)
        blocks = load_text(tokens_ptr, ahead, g, COUNT, NG, PARTS, WHOLE)
        strings, insides = place(string, inside, g, LENGTH, STRINGS, PARTS)
        entering = tl.zeros((NG,), WORD)
        following = tl.zeros((NG,), WORD)
        for d in tl.static_range(DEPTH):
            k, a, entries = compose(
                text, tables_ptr, base, starts_ptr, entering, insides, strings, COUNT, LENGTH, g, READS[d], OFFSETS[d],
                SIZES[d], KNOWN[d], HALF, TOPS, STRINGS, STARTS, PARTS, WHOLE, COPIES,
            )  # fmt: skip
            enters, leaves = settle(k & OWNS[d], a & OWNS[d], carry & OWNS[d], g, NG, TOPS)
            entering = entering | enters
            following = following | leaves
        carry = following
        at = tl.cast(tile, tl.int64) * (NG * PARTS if OUT == "bits" else TILE // 4)
        replay(
            text, entries, output_ptr, starts_ptr, final_ptr, out_ptr + at, entering, insides, strings, COUNT, LENGTH,
            TRUTH, g, KNOWN[DEPTH - 1], HALF, TOPS, STRINGS, STARTS, OUT_READS, AFTER, OUT, FINAL, LITERAL, NG, PARTS,
            WHOLE, ASM,
        )  # fmt: skip
        if STRINGS != "none":
            string += (inside + TILE) // LENGTH
            inside = (inside + TILE) % LENGTH
    if chunk == chunks - 1:
        tl.store(end_ptr + g * 0, carry & KNOWN[DEPTH - 1], mask=g == 0)
