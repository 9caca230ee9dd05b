"""The Triton kernels themselves, compiled on a GPU or interpreted without one, against the naive loop."""

import itertools

import pytest
import torch

from ssmc.errors import InputError
from ssmc.kernels import scan_reference

triton = pytest.importorskip("triton")
tl = triton.language
from ssmc.kernels.launch import Plan, launch, plan  # noqa: E402

# The interpreter counts loops with numpy arrays.
pytestmark = pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu" and not triton.knobs.runtime.interpret:
    pytest.skip("neither a GPU nor Triton's interpreter", allow_module_level=True)

PLANS = {"look-back": Plan(2, 2, 4, 8, 1), "rows": Plan(4, 2, 4, 0, 1)}


def poisoned(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.full(shape, float("nan"), dtype=dtype, device=DEVICE)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(("rows", "steps", "width"), [(1, 1, 1), (2, 37, 5), (1, 64, 4)])
def test_integers_are_exact(name: str, exclusive: bool, rows: int, steps: int, width: int) -> None:
    torch.manual_seed(rows * steps + width)
    a = torch.randint(-1, 2, (rows, steps, width), device=DEVICE).float()
    a[:, :, 0] = 1  # a counter that is never reset
    b = torch.randint(-3, 4, (rows, steps, width), device=DEVICE).float()
    initial = torch.randint(-3, 4, (rows, width), device=DEVICE).float()
    h, final = poisoned(rows, steps, width), poisoned(rows, width)
    launch(a, b, initial, h, final, exclusive=exclusive, how=PLANS[name])
    expected, last = scan_reference(a, b, initial, exclusive=exclusive)
    assert torch.equal(h.double(), expected)
    assert torch.equal(final.double(), last)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.bfloat16])
def test_gradients(name: str, exclusive: bool, dtype: torch.dtype) -> None:
    torch.manual_seed(5)
    shape = (2, 13, 6)
    rows, width = 2, 6
    state = torch.float32 if dtype == torch.bfloat16 else dtype
    wide = torch.complex128 if dtype.is_complex else torch.float64
    a, b, gh = (torch.randn(shape, dtype=state, device=DEVICE).to(dtype) / 2 for _ in range(3))
    initial, gf = (torch.randn(rows, width, dtype=state, device=DEVICE) for _ in range(2))
    h, final = poisoned(*shape, dtype=dtype), poisoned(rows, width, dtype=state)
    launch(a, b, initial, h, final, exclusive=exclusive, how=PLANS[name])
    ga, gb, enters = poisoned(*shape, dtype=dtype), poisoned(*shape, dtype=dtype), poisoned(rows, width, dtype=state)
    launch(a, gh, gf, gb, enters, exclusive=exclusive, past=h, begin=initial, grad_a=ga, how=PLANS[name])
    inputs = [x.to(wide).requires_grad_() for x in (a, b, initial)]
    outputs = scan_reference(*inputs, exclusive=exclusive)
    want = torch.autograd.grad(outputs, inputs, [gh.to(wide), gf.to(wide)])
    first = enters * a[:, 0].conj() + (gh[:, 0] if exclusive else 0)
    limit = {torch.float64: 1e-12, torch.bfloat16: 2e-2}.get(dtype, 1e-5)
    for x, y in zip((h, final, ga, gb, first), (*outputs, *want), strict=True):
        assert (x - y).abs().max() <= limit * y.abs().max()


def test_no_slot_is_mistaken_for_empty() -> None:
    """An input NaN whose bits are all ones, the mark of an empty slot, must not stop the look-back."""
    nan = torch.tensor([-1], dtype=torch.int32, device=DEVICE).view(torch.float32)
    for gate, increment in itertools.product((1.0, float(nan)), (float(nan), 1.0)):
        a, b = torch.full((1, 20, 1), gate, device=DEVICE), torch.full((1, 20, 1), increment, device=DEVICE)
        a[torch.isnan(a)] = nan
        b[torch.isnan(b)] = nan
        h, final = poisoned(1, 20, 1), poisoned(1, 1)
        launch(a, b, torch.zeros(1, 1, device=DEVICE), h, final, exclusive=False, how=Plan(1, 2, 1, 32, 1))
        assert torch.isnan(final).item() == (gate != 1.0 or increment != 1.0)


def test_threads_that_would_share_a_poll_are_refused() -> None:
    x = torch.zeros(1, 20, 1, device=DEVICE)
    with pytest.raises(InputError, match="less than 1 warps"):
        launch(x, x, x[:, 0], poisoned(1, 20, 1), poisoned(1, 1), exclusive=False, how=Plan(1, 2, 1, 16, 1))


def test_no_plan_makes_threads_share_a_poll() -> None:
    for width, kind, backward in itertools.product(range(1, 140), ("real", "pair", "complex"), (False, True)):
        state = torch.complex64 if kind == "complex" else torch.float32
        how = plan(1, 10**6, width, kind, state, backward=backward)
        assert how.window * how.channels >= 32 * how.warps, (width, kind, how)


@triton.jit
def copy_some(source, target, count, SIZE: tl.constexpr):
    place = tl.arange(0, SIZE)
    tl.store(target + place, tl.load(source + place), mask=place < count)


@pytest.mark.skipif(DEVICE == "cuda", reason="the interpreter's memory")
def test_the_interpreter_sees_an_access_outside_of_the_arguments() -> None:
    source, target = torch.ones(4), torch.zeros(4)
    copy_some[(1,)](source, target, 4, SIZE=4)
    assert torch.equal(source, target)
    with pytest.raises(triton.runtime.errors.InterpreterError, match="4 accesses outside"):
        copy_some[(1,)](source, target, 4, SIZE=8)
    with pytest.raises(triton.runtime.errors.InterpreterError, match="1 accesses outside"):
        copy_some[(1,)](torch.ones(8), target, 5, SIZE=8)
