"""The bounds of the columns of what passes a linear map, and the norms, beside their definitions."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.errors import VerificationError
from ssmc.verify.sums import Columns, check_norm, lowest_bit

NUMBERS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -12.0, 2.0**-20, 7 * 2.0**10])
MATRICES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=6)
)


@given(st.lists(MATRICES, min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_bounds_of_columns(parts):
    width = len(parts[0][0])
    parts = [torch.tensor(part) for part in parts if len(part[0]) == width]
    columns = Columns("it")
    for part in parts:
        columns.see(part)
    rows = torch.cat(parts)
    assert torch.equal(columns.largest, rows.abs().amax(0).double())
    assert torch.equal(columns.lowest, lowest_bit(rows).amin(0))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite(bad):
    rows = torch.ones(5, 3)
    rows[2, 1] = bad
    with pytest.raises(VerificationError, match="not finite"):
        Columns("it").see(rows)


def test_norms_look_at_every_row_that_differs():
    pinned = torch.where(torch.rand(7, 16) < 0.5, 32.0, -32.0)
    check_norm("it", pinned, 1e-5)
    pinned[5, 3] = 31.0
    with pytest.raises(VerificationError, match="not a power of two"):
        check_norm("it", pinned, 1e-5)
