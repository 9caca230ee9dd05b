"""Arithmetic of the three kinds of scan element, for Triton: a value is a tuple of planes (blocks of one float type).

real     one plane
pair     two neighbouring channels of a 16-bit type in one 32-bit word: two planes that do not mix. A tile then keeps
         half the registers, and the access width, of the float32 one
complex  real and imaginary part in one 64-bit word
"""

# mypy: ignore-errors
# ruff: noqa: ARG001, N803
# (Triton's language has no type stubs, and its constants are upper case by convention.)

import triton
import triton.language as tl


@triton.constexpr_function
def unpacking(half, again):
    """The two floats $0 and $1 of the word $2.

    The text of the second time differs: the compiler would otherwise keep the planes in registers from the first time on,
    twice as many as the words.
    """
    mark = " // again" if again else ""
    if half == tl.bfloat16:
        return f"shl.b32 $0, $2, 16; and.b32 $1, $2, 0xffff0000;{mark}"
    return f"{{ .reg .b16 l, h; mov.b32 {{l, h}}, $2; cvt.f32.f16 $0, l; cvt.f32.f16 $1, h; }}{mark}"


@triton.constexpr_function
def packing(half):
    """The word of the floats $1 and $2."""
    return f"cvt.rn.{'bf16' if half == tl.bfloat16 else 'f16'}x2.f32 $0, $2, $1;"


@triton.jit
def unpack(word, TIME: tl.constexpr, KIND: tl.constexpr, HALF: tl.constexpr, TYPE: tl.constexpr):
    """The planes of a word as it lies in memory. TIME: the first or the second time, in one line of PTX; 0: without any."""
    if KIND == "real":
        return (word.to(TYPE),)
    elif KIND == "complex":
        return (word & 0xFFFFFFFF).to(tl.int32).to(TYPE, bitcast=True), (word >> 32).to(tl.int32).to(TYPE, bitcast=True)
    elif TIME > 0:
        CODE: tl.constexpr = unpacking(HALF, TIME > 1)
        return tl.inline_asm_elementwise(
            CODE, "=r,=r,r" if HALF == tl.bfloat16 else "=f,=f,r", [word], (tl.float32, tl.float32), True, 1
        )
    elif HALF == tl.bfloat16:
        return (word << 16).to(TYPE, bitcast=True), (word & -65536).to(TYPE, bitcast=True)
    else:
        low = (word & 65535).to(tl.int16).to(HALF, bitcast=True)
        return low.to(TYPE), (word >> 16).to(tl.int16).to(HALF, bitcast=True).to(TYPE)


@triton.jit
def pack(x, PTX: tl.constexpr, KIND: tl.constexpr, HALF: tl.constexpr, STORE: tl.constexpr):
    """The word of some planes."""
    if KIND == "real":
        return x[0].to(STORE)
    elif KIND == "complex":
        low = x[0].to(tl.int32, bitcast=True).to(tl.int64) & 0xFFFFFFFF
        return low | (x[1].to(tl.int32, bitcast=True).to(tl.int64) << 32)
    elif PTX:
        CODE: tl.constexpr = packing(HALF)
        return tl.inline_asm_elementwise(CODE, "=r,f,f", [x[0], x[1]], tl.int32, True, 1)
    else:
        low = x[0].to(HALF).to(tl.int16, bitcast=True).to(tl.int32) & 0xFFFF
        return low | (x[1].to(HALF).to(tl.int16, bitcast=True).to(tl.int32) << 16)


@triton.jit
def times(x, y, KIND: tl.constexpr):
    """The product x * y."""
    if KIND == "real":
        return (x[0] * y[0],)
    elif KIND == "pair":
        return x[0] * y[0], x[1] * y[1]
    else:
        return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


@triton.jit
def step(h, a, b, KIND: tl.constexpr):
    """The recurrence h * a + b."""
    if KIND == "real":
        return (tl.fma(h[0], a[0], b[0]),)
    elif KIND == "pair":
        return tl.fma(h[0], a[0], b[0]), tl.fma(h[1], a[1], b[1])
    else:
        return h[0] * a[0] - h[1] * a[1] + b[0], h[0] * a[1] + h[1] * a[0] + b[1]


@triton.jit
def conjugate(x, KIND: tl.constexpr):
    """The complex conjugate; real planes as they are."""
    if KIND == "complex":
        return x[0], -x[1]
    else:
        return x


@triton.jit
def _real(a, b, ea, eb, a2, b2, ea2, eb2):
    return a * a2, b * a2 + b2, a * ea2, b * ea2 + eb2


@triton.jit
def _pair(a, b, ea, eb, c, d, ec, ed, a2, b2, ea2, eb2, c2, d2, ec2, ed2):
    return a * a2, b * a2 + b2, a * ea2, b * ea2 + eb2, c * c2, d * c2 + d2, c * ec2, d * ec2 + ed2


@triton.jit
def _complex(a, b, ea, eb, c, d, ec, ed, a2, b2, ea2, eb2, c2, d2, ec2, ed2):
    return (
        a * a2 - c * c2,
        b * a2 - d * c2 + b2,
        a * ea2 - c * ec2,
        b * ea2 - d * ec2 + eb2,
        a * c2 + c * a2,
        b * c2 + d * a2 + d2,
        a * ec2 + c * ea2,
        b * ec2 + d * ea2 + ed2,
    )


@triton.jit
def scan_groups(a, b, KIND: tl.constexpr):
    """Inclusive and exclusive scan over the groups of a tile at once; a leaf's exclusive part is the identity (1, 0).

    Carrying the exclusive scan as more members costs less than shifting the inclusive one by a gather, which would
    move the whole tile to another layout.
    """
    one = tl.full(a[0].shape, 1, a[0].dtype)
    zero = tl.zeros(a[0].shape, a[0].dtype)
    if KIND == "real":
        sa, sb, ea, eb = tl.associative_scan((a[0], b[0], one, zero), 0, _real)
        return (sa,), (sb,), (ea,), (eb,)
    else:
        if KIND == "pair":
            sa, sb, ea, eb, sc, sd, ec, ed = tl.associative_scan(
                (a[0], b[0], one, zero, a[1], b[1], one, zero), 0, _pair
            )
        else:
            sa, sb, ea, eb, sc, sd, ec, ed = tl.associative_scan(
                (a[0], b[0], one, zero, a[1], b[1], zero, zero), 0, _complex
            )
        return (sa, sc), (sb, sd), (ea, ec), (eb, ed)


@triton.jit
def past_real(a1, b1, a2, b2):
    """Composition in which what a zero gate forgets cannot come back as 0 * inf."""
    return a1 * a2, tl.where(a2 == 0, b2, b1 * a2 + b2)


@triton.jit
def past_pair(a1, b1, c1, d1, a2, b2, c2, d2):
    """As `past_real` on two planes."""
    return a1 * a2, tl.where(a2 == 0, b2, b1 * a2 + b2), c1 * c2, tl.where(c2 == 0, d2, d1 * c2 + d2)


@triton.jit
def past_complex(a1, b1, c1, d1, a2, b2, c2, d2):
    """As `past_real` on complex numbers."""
    forget = (a2 == 0) & (c2 == 0)
    return (
        a1 * a2 - c1 * c2,
        tl.where(forget, b2, b1 * a2 - d1 * c2 + b2),
        a1 * c2 + c1 * a2,
        tl.where(forget, d2, b1 * c2 + d1 * a2 + d2),
    )
