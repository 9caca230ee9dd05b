"""The public scan against the naive loop: values, exactness, gradients, operators."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.errors import InputError
from ssmc.kernels import scan, scan_reference


def integers(rows: int, steps: int, width: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gates in {0, 1, -1}, mostly 1, and small integer increments: counters and resets side by side."""
    g = torch.Generator().manual_seed(seed)
    u = torch.rand(rows, steps, width, generator=g)
    a = torch.where(u < 0.01, 0.0, torch.where(u < 0.02, -1.0, 1.0))
    b = torch.randint(-1, 2, (rows, steps, width), generator=g).float()
    return a, b, torch.randint(-3, 4, (rows, width), generator=g).float()


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(0, 3),
    steps=st.integers(0, 700),
    width=st.integers(1, 6),
    exclusive=st.booleans(),
    seed=st.integers(0, 2**30),
)
def test_integers_are_exact(rows: int, steps: int, width: int, exclusive: bool, seed: int) -> None:
    a, b, initial = integers(rows, steps, width, seed)
    h, final = scan(a, b, initial, exclusive=exclusive)
    expected, last = scan_reference(a, b, initial, exclusive=exclusive)
    assert h.dtype == final.dtype == torch.float32
    assert torch.equal(h.double(), expected)
    assert torch.equal(final.double(), last)


def test_a_million_steps_are_exact() -> None:
    steps = 1_000_003
    a = torch.ones(1, steps, 2)
    b = torch.ones(1, steps, 2)
    b[..., 1] = (torch.arange(steps) % 2).float() * 2 - 1
    a[:, ::1000, 1] = 0
    h, final = scan(a, b)
    assert torch.equal(h[0, :, 0], torch.arange(1.0, steps + 1))
    t = torch.arange(steps)
    since = t - t % 1000
    assert torch.equal(h[0, :, 1], torch.where((t - since) % 2 == 0, -1.0, 0.0))
    assert torch.equal(final, h[:, -1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("exclusive", [False, True])
def test_real_gates_are_near(dtype: torch.dtype, exclusive: bool) -> None:
    torch.manual_seed(1)
    a, b = (torch.rand(2, 1000, 3) * 0.1 + 0.9).to(dtype), torch.randn(2, 1000, 3).to(dtype)
    h, final = scan(a, b, exclusive=exclusive)
    expected, last = scan_reference(a, b, exclusive=exclusive)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    assert h.dtype == final.dtype == wide
    limit = 1e-12 if dtype == torch.float64 else 2e-6
    assert (h - expected).abs().max() < limit * expected.abs().max()
    assert (final - last).abs().max() < limit * expected.abs().max()
    assert scan(a, b, dtype=dtype)[0].dtype == dtype


def test_narrow_input_keeps_a_wide_state() -> None:
    steps = 3000
    one = torch.ones(1, steps, 1, dtype=torch.bfloat16)
    h, final = scan(one, one)
    assert torch.equal(h[0, :, 0], torch.arange(1.0, steps + 1))
    assert final.item() == steps


def test_any_split_in_time_gives_the_same_bits() -> None:
    a, b, initial = integers(2, 500, 3, 7)
    whole, last = scan(a, b, initial)
    for cut in (1, 63, 250, 499):
        left, state = scan(a[:, :cut], b[:, :cut], initial)
        right, end = scan(a[:, cut:], b[:, cut:], state)
        assert torch.equal(torch.cat([left, right], 1), whole)
        assert torch.equal(end, last)


def test_empty_time_keeps_the_state() -> None:
    initial = torch.randn(3, 2)
    h, final = scan(torch.empty(3, 0, 2), torch.empty(3, 0, 2), initial)
    assert h.shape == (3, 0, 2)
    assert torch.equal(final, initial)
    assert final.data_ptr() != initial.data_ptr()


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 150])
def test_gradients(exclusive: bool, steps: int) -> None:
    torch.manual_seed(2)
    shape = (2, steps, 2)
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in (shape, shape, (2, 2))]
    weights = torch.randn(shape, dtype=torch.float64), torch.randn(2, 2, dtype=torch.float64)
    got, want = (
        torch.autograd.grad(
            [(x * w).sum() for x, w in zip(f(*inputs, exclusive=exclusive), weights, strict=True)], inputs
        )
        for f in (scan, scan_reference)
    )
    for x, y in zip(got, want, strict=True):
        assert torch.allclose(x, y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("exclusive", [False, True])
def test_gradcheck(exclusive: bool) -> None:
    torch.manual_seed(3)
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((2, 5, 2), (2, 5, 2), (2, 2))]
    assert torch.autograd.gradcheck(lambda a, b, i: scan(a, b, i, exclusive=exclusive), inputs)


def test_bad_input_is_refused() -> None:
    x = torch.zeros(1, 2, 3)
    with pytest.raises(InputError, match="one shape"):
        scan(x, torch.zeros(1, 2, 4))
    with pytest.raises(InputError, match="initial state"):
        scan(x, x, torch.zeros(1, 2))
    with pytest.raises(InputError, match="int64"):
        scan(x.long(), x.long())


@pytest.mark.parametrize("exclusive", [False, True])
def test_complex_gates(exclusive: bool) -> None:
    torch.manual_seed(4)
    shape = (2, 150, 2)
    inputs = [torch.randn(s, dtype=torch.complex128, requires_grad=True) for s in (shape, shape, (2, 2))]
    assert torch.autograd.gradcheck(
        lambda a, b, i: scan(a[:, :4], b[:, :4], i, exclusive=exclusive),
        [x.detach().clone().requires_grad_() for x in inputs],
    )
    a = torch.polar(torch.ones(1, 999, 1), torch.full((1, 999, 1), torch.pi / 2))
    a = torch.complex(a.real.round(), a.imag.round())  # i: a counter modulo 4, exactly
    h, final = scan(a, torch.zeros_like(a), torch.ones(1, 1, dtype=torch.complex64), exclusive=exclusive)
    assert h.dtype == final.dtype == torch.complex64
    expected, last = scan_reference(a, torch.zeros_like(a), torch.ones(1, 1), exclusive=exclusive)
    assert torch.equal(h.to(expected.dtype), expected)
    assert torch.equal(final.to(last.dtype), last)


@pytest.mark.parametrize("exclusive", [False, True])
def test_sequences_of_different_length(exclusive: bool) -> None:
    lengths = [1, 63, 200, 2, 500]
    a, b, _ = integers(1, sum(lengths), 3, 11)
    initial = torch.randint(-3, 4, (len(lengths), 3)).float()
    cut = torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()])
    h, final = scan(a, b, initial, exclusive=exclusive, cu_seqlens=cut)
    for k, (x, y) in enumerate(itertools.pairwise(cut.tolist())):
        part, last = scan_reference(a[:, x:y], b[:, x:y], initial[k : k + 1], exclusive=exclusive)
        assert torch.equal(h[:, x:y].double(), part)
        assert torch.equal(final[k].double(), last[0])
    with pytest.raises(InputError, match="cu_seqlens"):
        scan(a, b, cu_seqlens=torch.tensor([0, 5, 5, a.shape[1]]))


def test_the_gradient_of_sequences() -> None:
    torch.manual_seed(6)
    cut = torch.tensor([0, 2, 3, 7])
    inputs = [torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((1, 7, 2), (1, 7, 2), (3, 2))]
    assert torch.autograd.gradcheck(lambda a, b, i: scan(a, b, i, cu_seqlens=cut), inputs)


def test_operator_registration() -> None:
    a, b = torch.rand(2, 9, 3, requires_grad=True), torch.randn(2, 9, 3, requires_grad=True)
    initial = torch.randn(2, 3, requires_grad=True)
    for exclusive in (False, True):
        torch.library.opcheck(torch.ops.ssmc.scan.default, (a, b, initial, exclusive, torch.float32))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_equals_eager() -> None:
    a, b = torch.rand(2, 9, 3, requires_grad=True), torch.randn(2, 9, 3, requires_grad=True)

    def loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        h, final = scan(a.sigmoid(), b)
        return (h * h).sum() + final.sum()

    eager = loss(a, b)
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)(a, b)
    assert torch.equal(eager, compiled)
    for x, y in zip(torch.autograd.grad(eager, (a, b)), torch.autograd.grad(compiled, (a, b)), strict=True):
        assert torch.equal(x, y)


def test_compiled_sequences_equal_eager() -> None:
    a, b = torch.rand(1, 12, 3), torch.randn(1, 12, 3)
    cut = torch.tensor([0, 5, 6, 12])

    def states(x: torch.Tensor, y: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return scan(x, y, cu_seqlens=offsets)[0]

    compiled = torch.compile(states, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(a, b, cut), states(a, b, cut))


def test_gradient_of_no_steps_is_the_gradient_of_the_last_state() -> None:
    first = torch.randn(2, 3, requires_grad=True)
    empty = torch.zeros(2, 0, 3, requires_grad=True)
    _, final = scan(empty, empty, first)
    weight = torch.randn(2, 3)
    assert torch.equal(torch.autograd.grad(final, first, weight)[0], weight)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("exclusive", [False, True])
def test_sequences_in_a_graph(exclusive: bool) -> None:
    a = torch.randint(-1, 2, (1, 50_000, 16), device="cuda").float()
    b = torch.randint(-3, 4, (1, 50_000, 16), device="cuda").float()
    first = torch.randint(-3, 4, (4, 16), device="cuda").float()
    cut = torch.tensor([0, 1, 777, 40_001, 50_000], device="cuda")
    expected, ends = scan(a, b, first, exclusive=exclusive, cu_seqlens=cut)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        h, final = scan(a, b, first, exclusive=exclusive, cu_seqlens=cut)
    for _ in range(3):
        h.fill_(float("nan"))
        graph.replay()
        assert torch.equal(h, expected)
        assert torch.equal(final, ends)
