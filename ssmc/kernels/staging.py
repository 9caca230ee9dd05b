"""Triton: tables in shared and in global memory, an entry for each thread at a place of its own, by lines of PTX.

Triton has no gather from shared memory. It has one from global memory, but its pass that joins accesses (`tritongpu-coalesce`) looks from each access at
all that is connected with it: hundreds of scattered ones, which nothing can join, take minutes to compile.
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803, N806, RUF005
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl


@triton.constexpr_function
def room(size):
    """Shared memory of the program: its address."""
    return f"{{ .shared .align 16 .b8 staged[{size}]; mov.u32 $0, staged; }}"


@triton.constexpr_function
def storing(size, copies):
    """Stores $2, `size` bytes, `copies` times from shared address $1 on."""
    each = min(copies, 16 // size)
    what = "$2" if each == 1 else "{" + ", ".join(["$2"] * each) + "}"
    form = f"st.shared{'' if each == 1 else f'.v{each}'}.b{8 * size}"
    return " ".join(f"{form} [$1+{k * size}], {what};" for k in range(0, copies, each)) + " mov.u32 $0, 0;"


@triton.constexpr_function
def reaching(stride, byte):
    """`stride` times byte number `byte` of $1, and $2: one sum of products, outside of the unit that all the logic waits for."""
    return f"dp4a.u32.u32 $0, $1, {stride << (8 * byte)}, $2;"


@triton.constexpr_function
def picking(size, offset):
    """`size` bytes at shared address $1 + `offset`."""
    return f"ld.shared.{ {1: 'u8', 2: 'u16', 4: 'b32', 8: 'b64'}[size] } $0, [$1+{offset}];"


@triton.constexpr_function
def loading(size, masked, constant):
    """`size` bytes at global address $1; masked: zero where $2 is; constant: nobody writes there."""
    kind = {1: "u8", 2: "u16", 4: "b32", 8: "b64"}[size]
    load = f"ld.global{'.nc' if constant else ''}.{kind}"
    if not masked:
        return f"{load} $0, [$1];"
    word = 64 if size == 8 else 32
    return f"{{ .reg .pred p; .reg .b{word} t; setp.ne.u32 p, $2, 0; mov.b{word} t, 0; @p {load} t, [$1]; mov.b{word} $0, t; }}"


@triton.constexpr_function
def writing(size):
    """$2, `size` bytes, to global address $1 unless $3 is zero."""
    return f"{{ .reg .pred p; setp.ne.u32 p, $3, 0; @p st.global.b{8 * size} [$1], $2; mov.u32 $0, 0; }}"


@triton.jit
def gather(ptr, at, ASM: tl.constexpr, CONSTANT: tl.constexpr = True):
    """What lies at places of global memory; bytes as int32. CONSTANT: of read-only memory, whenever that suits the compiler."""
    SIZE: tl.constexpr = ptr.dtype.element_ty.primitive_bitwidth // 8
    LOAD: tl.constexpr = loading(SIZE, False, CONSTANT)
    if not ASM:
        found = tl.load(ptr + at)
        return found if SIZE == 8 else found.to(tl.int32)
    elif SIZE == 8:
        return tl.inline_asm_elementwise(LOAD, "=l,l", [(ptr + at).to(tl.int64)], tl.int64, CONSTANT, 1)
    else:
        return tl.inline_asm_elementwise(LOAD, "=r,l", [(ptr + at).to(tl.int64)], tl.int32, CONSTANT, 1)


@triton.jit
def gather_where(ptr, at, mask, ASM: tl.constexpr, CONSTANT: tl.constexpr = True):
    """As `gather`; zero where the mask is not set."""
    SIZE: tl.constexpr = ptr.dtype.element_ty.primitive_bitwidth // 8
    LOAD: tl.constexpr = loading(SIZE, True, CONSTANT)
    if not ASM:
        found = tl.load(ptr + at, mask=mask, other=0)
        return found if SIZE == 8 else found.to(tl.int32)
    elif SIZE == 8:
        return tl.inline_asm_elementwise(
            LOAD, "=l,l,r", [(ptr + at).to(tl.int64), mask.to(tl.int32)], tl.int64, CONSTANT, 1
        )
    else:
        return tl.inline_asm_elementwise(
            LOAD, "=r,l,r", [(ptr + at).to(tl.int64), mask.to(tl.int32)], tl.int32, CONSTANT, 1
        )


@triton.jit
def scatter_where(ptr, at, value, mask, ASM: tl.constexpr):
    """Stores at places of global memory where the mask is set."""
    if ASM:
        SIZE: tl.constexpr = ptr.dtype.element_ty.primitive_bitwidth // 8
        STORE: tl.constexpr = writing(SIZE)
        IN: tl.constexpr = "=r,l,l,r" if SIZE == 8 else "=r,l,r,r"
        tl.inline_asm_elementwise(STORE, IN, [(ptr + at).to(tl.int64), value, mask.to(tl.int32)], tl.int32, False, 1)
    else:
        tl.store(ptr + at, value.to(ptr.dtype.element_ty), mask=mask)


@triton.jit
def stage(
    table_ptr, g, COUNT: tl.constexpr, SIZE: tl.constexpr, COPIES: tl.constexpr, NG: tl.constexpr
):  # fmt: skip
    """Copies COUNT entries of SIZE bytes (4 or 8) into shared memory, each COPIES times side by side.

    Returns the address of each thread's copy of entry 0. A gather from global memory costs a pass for each line of 128 bytes
    that it touches, one from shared memory a pass for each word of the fullest bank; threads with copies of their own share
    fewer banks. COPIES = 0: nothing is copied.
    """
    if COPIES == 0:
        return g
    else:
        BATCH: tl.constexpr = min(4, (COUNT + NG - 1) // NG)
        ROOM: tl.constexpr = room(COUNT * SIZE * COPIES)
        STORE: tl.constexpr = storing(SIZE, COPIES)
        base = tl.inline_asm_elementwise(ROOM, "=r", [], tl.int32, False, 1)
        for i in range(0, COUNT, NG * BATCH):
            words = ()
            for k in tl.static_range(BATCH):
                words = words + (gather(table_ptr, tl.minimum(i + k * NG + g, COUNT - 1), True, False),)
            for k in tl.static_range(BATCH):
                at = base + tl.minimum(i + k * NG + g, COUNT - 1) * (SIZE * COPIES)
                tl.inline_asm_elementwise(
                    STORE, "=r,r,r" if SIZE == 4 else "=r,r,l", [at, words[k]], tl.int32, False, 1
                )
        tl.debug_barrier()
        # what is picked depends on this address, so nothing is picked before the barrier
        base = tl.inline_asm_elementwise("mov.u32 $0, $1;", "=r,r", [base], tl.int32, False, 1)
        return base + (g & (COPIES - 1)) * SIZE


@triton.jit
def pick(base, word, BYTE: tl.constexpr, SIZE: tl.constexpr, STRIDE: tl.constexpr, OFFSET: tl.constexpr):
    """The entry of SIZE bytes that a byte of `word` counts, STRIDE bytes apart (below 256), OFFSET bytes after shared address `base`."""
    if STRIDE == 0:
        at = base
    else:
        REACH: tl.constexpr = reaching(STRIDE, BYTE)
        at = tl.inline_asm_elementwise(REACH, "=r,r,r", [word, base], tl.int32, True, 1)
    LOAD: tl.constexpr = picking(SIZE, OFFSET)
    if SIZE == 8:
        return tl.inline_asm_elementwise(LOAD, "=l,r", [at], tl.int64, True, 1)
    else:
        return tl.inline_asm_elementwise(LOAD, "=r,r", [at], tl.int32, True, 1)
