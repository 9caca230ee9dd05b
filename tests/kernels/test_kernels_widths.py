"""Long scans of every small width, and of rows and slices that start anywhere in memory: on a GPU they are the CPU's numbers."""

import pytest
import torch

from ssmc.kernels import scan

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("width", [1, 3, 6, 17])
@pytest.mark.parametrize(("rows", "steps"), [(1, 100_001), (3, 32_769)])
def test_exact_scans_of_any_width_are_those_of_the_cpu(rows, steps, width, dtype):
    generator = torch.Generator().manual_seed(width)
    a = (torch.rand(rows, steps, width, generator=generator) < 0.9).to(dtype)
    b = torch.randint(0, 2, (rows, steps, width), generator=generator).to(dtype)
    for first in (0, 1):
        # of one row, a slice in time is contiguous but starts in the middle of an allocation
        part = slice(first, None)
        want, last = scan(a[:, part], b[:, part], exclusive=True)
        got, final = scan(a.cuda()[:, part], b.cuda()[:, part], exclusive=True)
        assert torch.equal(got.cpu(), want)
        assert torch.equal(final.cpu(), last)
