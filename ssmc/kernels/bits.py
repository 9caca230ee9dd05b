"""Triton: a cascade of packed bits over bytes, fused from token to output in one launch (tables of machine.py).

A thread owns some 32 consecutive tokens of one flat stream; strings of equal length lie end to end and the state is reset
where one begins. Pass p (one a layer) composes the maps of layer p over the tile, with the true states of the layers
below; the composition (keep, add) and those states live in the same two words, since `add` starts from the states that
are known and from zero elsewhere. Each pass ends with a look-back of two levels, as in scans.py, and the last pass
replays all layers and looks up the outputs. Every published word carries its flag in its upper half.
"""

# mypy: ignore-errors
# ruff: noqa: N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl


@triton.jit
def add_fields(x, y, TOPS: tl.constexpr):
    """The sum in every field; exclusive or where every field is one bit."""
    if TOPS == -1:
        return x ^ y
    else:
        return ((x & ~TOPS) + (y & ~TOPS)) ^ ((x ^ y) & TOPS)


@triton.jit
def compose_bits(k1, a1, k2, a2):
    """The map (k1, a1) followed by (k2, a2)."""
    return k1 & k2, (a1 & k2) ^ a2


@triton.jit
def compose_bits_both(k1, a1, ek1, ea1, k2, a2, ek2, ea2):
    """Inclusive and exclusive composition at once."""
    return k1 & k2, (a1 & k2) ^ a2, k1 & ek2, (a1 & ek2) ^ ea2


@triton.jit
def compose_fields(k1, a1, t1, k2, a2, t2):
    """As `compose_bits` with counters; t is the word of field tops."""
    x = a1 & k2
    return k1 & k2, ((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2), t2


@triton.jit
def compose_fields_both(k1, a1, ek1, ea1, t1, k2, a2, ek2, ea2, t2):
    """As `compose_bits_both` with counters."""
    x = a1 & k2
    y = a1 & ek2
    return (
        k1 & k2,
        ((x & ~t2) + (a2 & ~t2)) ^ ((x ^ a2) & t2),
        k1 & ek2,
        ((y & ~t2) + (ea2 & ~t2)) ^ ((y ^ ea2) & t2),
        t2,
    )


@triton.jit
def scan_threads(k, a, TOPS: tl.constexpr):
    """Inclusive and exclusive scan of the maps of a tile's threads."""
    one = tl.full(k.shape, -1, k.dtype)
    zero = tl.zeros(k.shape, k.dtype)
    if TOPS == -1:
        return tl.associative_scan((k, a, one, zero), 0, compose_bits_both)
    else:
        tops = tl.full(k.shape, TOPS, k.dtype)
        sk, sa, ek, ea, _t = tl.associative_scan((k, a, one, zero, tops), 0, compose_fields_both)
        return sk, sa, ek, ea


@triton.jit
def last_of(x, N: tl.constexpr):
    """Element N - 1."""
    return tl.sum(tl.where(tl.arange(0, N) == N - 1, x, 0), 0)


@triton.jit
def scan_window(k, a, W: tl.constexpr, TOPS: tl.constexpr):
    """The composition of W maps."""
    if TOPS == -1:
        k, a = tl.associative_scan((k, a), 0, compose_bits)
    else:
        k, a, _t = tl.associative_scan((k, a, tl.full(k.shape, TOPS, k.dtype)), 0, compose_fields)
    return last_of(k, W), last_of(a, W)


@triton.jit
def put(ptr, x, flag, SIZE, WIDE: tl.constexpr):
    """Publishes a word with a flag; a wide word as two halves."""
    high = tl.cast(flag, tl.int64) << 32
    tl.atomic_xchg(ptr, high | (x.to(tl.int64) & 0xFFFFFFFF), sem="relaxed")
    if WIDE:
        tl.atomic_xchg(ptr + SIZE, high | ((x >> 32) & 0xFFFFFFFF), sem="relaxed")


@triton.jit
def get(ptr, at, mask, SIZE, WIDE: tl.constexpr):
    """Words and flags of a window; where the halves differ in flag, the word is not there yet."""
    x = tl.load(ptr + at, mask=mask, other=0, volatile=True)
    if WIDE:
        y = tl.load(ptr + SIZE + at, mask=mask, other=0, volatile=True)
        flag = tl.where((x >> 32) == (y >> 32), x >> 32, 0)
        return (x & 0xFFFFFFFF) | (y << 32), flag.to(tl.int32)
    else:
        return x.to(tl.int32), (x >> 32).to(tl.int32)


@triton.jit
def enter(slots_ptr, tile, tiles, k, a, entry, W: tl.constexpr, TOPS: tl.constexpr, WIDE: tl.constexpr):
    """Publishes a tile's map (k, a) and returns the state that enters the tile; `entry` enters tile 0.

    Slots, all zero at the start: keep and add of each tile, then of each group of W tiles. Flag 1: a map; 2: `add` is
    the state itself.
    """
    HALVES: tl.constexpr = 2 if WIDE else 1
    groups = tl.cdiv(tiles, W)
    group = tile // W
    inside = tile % W
    keep_ptr = slots_ptr
    add_ptr = keep_ptr + HALVES * tiles
    group_keep_ptr = add_ptr + HALVES * tiles
    group_add_ptr = group_keep_ptr + HALVES * groups
    put(keep_ptr + tile, k, 1, tiles, WIDE)
    put(add_ptr + tile, a, 1, tiles, WIDE)
    w = tl.arange(0, W)
    gk = k * 0 - 1
    ga = a * 0
    left = inside
    while left > 0:
        wk, fk = get(keep_ptr, group * W + w, w < inside, tiles, WIDE)
        wa, fa = get(add_ptr, group * W + w, w < inside, tiles, WIDE)
        here = (fk != 0) & (fa != 0)
        since = tl.max(tl.where(here & (wk == 0) & (w < inside), w, -1), 0)
        ready = tl.min(((w >= inside) | (w < since) | here).to(tl.int32), 0)
        if ready != 0:
            gk, ga = scan_window(tl.where(w < inside, wk, -1), tl.where(w < inside, wa, 0), W, TOPS)
            left = left * 0
    ends = inside == W - 1
    if ends:
        if group > 0:
            put(group_keep_ptr + group, gk & k, 1, groups, WIDE)
            closed = (gk & k) == 0
            put(group_add_ptr + group, add_fields(ga & k, a, TOPS), tl.where(closed, 2, 1), groups, WIDE)
    pk = k * 0 - 1
    pa = a * 0
    if group == 0:
        pa = entry
    j = group - 1
    while j >= 0:
        rows = j - (W - 1) + w
        wk, fk = get(group_keep_ptr, rows, rows >= 0, groups, WIDE)
        wa, fa = get(group_add_ptr, rows, rows >= 0, groups, WIDE)
        since = tl.max(tl.where(fa == 2, w, -1), 0)
        ready = tl.min(((rows < 0) | (w < since) | (fa == 2) | ((fa == 1) & (fk != 0))).to(tl.int32), 0)
        if ready != 0:
            sk, sa = scan_window(tl.where((fa == 2) | (rows < 0), 0, wk), wa, W, TOPS)
            pa = add_fields(sa & pk, pa, TOPS)
            pk = sk & pk
            j = tl.where(pk == 0, -1, j - W)
    state = add_fields(pa & gk, ga, TOPS)
    if ends:
        put(group_add_ptr + group, add_fields(state & k, a, TOPS), 2, groups, WIDE)
    return state


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
