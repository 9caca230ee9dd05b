"""The bound on the length up to which products of rounded roots of unity are read right: against exact arithmetic, and against the worst gates."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssmc.kernels import scan
from ssmc.targets.gates import points, rounded
from ssmc.targets.roots import PRODUCT, SLACK, UNIT, RootErrors, root, safe_length

torch.set_num_threads(1)


def errors_of(order):
    """The distances of the float32 roots from the roots."""
    apart = max(abs(complex(*point) - root(v, order)) for v, point in enumerate(points(order)))
    return RootErrors(order, apart, apart)


@given(st.integers(1, 200), st.integers(-400, 400))
def test_roots_are_roots(order, power):
    exact = complex(math.cos(2 * math.pi * power / order), math.sin(2 * math.pi * power / order))
    assert abs(root(power, order) - exact) < 1e-12
    assert abs(abs(root(power, order)) - 1) < SLACK
    assert root(power, order) == root(power % order, order)
    if 4 * power % order == 0:
        assert root(power, order) in (1, 1j, -1, -1j)


def test_only_1_2_and_4_are_exact():
    assert [order for order in range(1, 50) if safe_length(errors_of(order)) is None] == [1, 2, 4]
    assert safe_length(RootErrors(4, 2.0**-30, 0)) is not None


def test_a_coarser_gate_is_safe_for_less():
    lengths = [safe_length(RootErrors(7, gate, 0)) for gate in (0, 1e-9, 1e-8, 1e-7, 1e-6, 1e-3)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 700 < 100_000 < lengths[1]
    # more values are closer together
    by_order = [safe_length(errors_of(order)) for order in (3, 5, 7, 12, 30, 100)]
    assert by_order == sorted(by_order, reverse=True)
    assert safe_length(RootErrors(3, 0.9, 0)) < 1
    assert safe_length(RootErrors(200_000, 2.0**-25, 2.0**-25)) == -1


def exact_product(x, y):
    """The product of two complex numbers of float32 parts, as fractions."""
    a, b, c, d = (Fraction(float(v)) for v in (x.real, x.imag, y.real, y.imag))
    return a * c - b * d, a * d + b * c


@given(st.integers(3, 60), st.integers(0, 10**6))
def test_one_product_errs_by_no_more_than_its_bound(order, seed):
    rng = np.random.default_rng(seed)
    x, y = (
        np.complex64(complex(*rounded(root(int(rng.integers(order)), order) * (1 + rng.normal() / 10))))
        for _ in range(2)
    )
    real, imaginary = exact_product(x, y)
    computed = torch.tensor([x]) * torch.tensor([y])
    size = math.sqrt(float(real**2 + imaginary**2))
    apart = math.hypot(float(Fraction(computed.real.item()) - real), float(Fraction(computed.imag.item()) - imaginary))
    assert apart <= PRODUCT * size
    assert PRODUCT < 3 * UNIT


@pytest.mark.parametrize("order", [3, 5, 6, 7, 12, 30])
def test_states_stay_inside_the_bound(order):
    """A long scan of random turns, in chunks and as it is written: the distance from the true root, against what the bound allows."""
    steps, errors = 50_000, errors_of(order)
    powers = torch.randint(order, (steps,), generator=torch.Generator().manual_seed(order))
    gates = torch.tensor([complex(*point) for point in points(order)], dtype=torch.complex64)[powers]
    exact = torch.tensor([root(v, order) for v in range(order)], dtype=torch.complex128)[powers.cumsum(0) % order]
    start = torch.ones(1, 1, dtype=torch.complex64)
    parallel, _ = scan(gates[None, :, None], torch.zeros(1, steps, 1, dtype=torch.complex64), start)
    state, sequential = start[0, 0], []
    for gate in gates[:5_000]:
        state = gate * state
        sequential.append(state)
    for states in (parallel[0, :, 0], torch.stack(sequential)):
        apart = (states.to(torch.complex128) - exact[: len(states)]).abs()
        n = torch.arange(1, 1 + len(states))
        allowed = torch.expm1(n * (math.log1p(PRODUCT) + math.log1p(errors.gate)))
        assert (apart <= allowed).all()
    assert steps < safe_length(errors)
