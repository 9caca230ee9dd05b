"""Scans of column-one-hot maps: every path gives the numbers of the naive loop, exactly."""

import pytest
import torch

from ssmc.errors import InputError
from ssmc.kernels.map_scan import CHUNK, pack_maps, scan_maps, scan_maps_reference, scan_matrices, scan_words

torch.set_num_threads(1)

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def random_maps(rows, steps, size, seed, *, permutations):
    """Maps of 0..size-1, all of them permutations or any at all, and values to start from."""
    generator = torch.Generator().manual_seed(seed)
    if permutations:
        maps = torch.rand(rows, steps, size, generator=generator).argsort(-1)
    else:
        maps = torch.randint(size, (rows, steps, size), generator=generator)
    return maps, torch.randint(size, (rows,), generator=generator)


def matrices_of(maps):
    return torch.nn.functional.one_hot(maps, maps.shape[-1]).transpose(-1, -2).float()


@pytest.mark.parametrize("permutations", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 17, 24])
@pytest.mark.parametrize("steps", [1, 2, 63, 2 * CHUNK, 2 * CHUNK + 1, 500, 64 * 130 + 7])
def test_gathers(steps, size, permutations):
    maps, initial = random_maps(2, steps, size, steps, permutations=permutations)
    want, last = scan_maps_reference(maps, initial)
    before, final = scan_maps(maps.to(DEVICE), initial.to(DEVICE))
    assert torch.equal(before.cpu(), want)
    assert torch.equal(final.cpu(), last)


@pytest.mark.parametrize(
    ("steps", "size", "permutations"), [(1, 16, True), (2, 3, False), (513, 16, True), (520, 7, False)]
)
def test_words(steps, size, permutations):
    # more than one group of 512 words; Triton's interpreter is slow
    rows = 3 if DEVICE == "cuda" else 1
    maps, initial = random_maps(rows, steps, size, size, permutations=permutations)
    want, last = scan_maps_reference(maps, initial)
    words = pack_maps(maps.to(DEVICE))
    kept = words.clone()
    before, final = scan_words(words, initial.to(DEVICE))
    assert torch.equal(before.cpu(), want)
    assert torch.equal(final.cpu(), last)
    assert torch.equal(words, kept)


@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize("steps", [0, 1, 100, 500, 64 * 130 + 7])
def test_matrices_are_the_maps(steps, size):
    maps, initial = random_maps(2, steps, size, steps, permutations=False)
    want, last = scan_maps_reference(maps, initial)
    before, final = scan_matrices(matrices_of(maps), torch.nn.functional.one_hot(initial, size).float())
    assert torch.equal(before, torch.nn.functional.one_hot(want.reshape(2, steps), size).float())
    assert torch.equal(final, torch.nn.functional.one_hot(last, size).float())


def test_gradients_are_those_of_the_loop():
    generator = torch.Generator().manual_seed(0)
    matrices = torch.rand(2, 300, 3, 3, generator=generator, dtype=torch.float64)
    matrices = (matrices / matrices.sum(-2, keepdim=True)).requires_grad_()
    initial = torch.rand(2, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(2, 300, 3, generator=generator, dtype=torch.float64)
    before, final = scan_matrices(matrices, initial)
    got = torch.autograd.grad((before * weight).sum() + final.sum(), [matrices, initial])
    state, total = initial, 0
    for t in range(300):
        total = total + (state * weight[:, t]).sum()
        state = (matrices[:, t] @ state[..., None])[..., 0]
    want = torch.autograd.grad(total + state.sum(), [matrices, initial])
    for one, other in zip(got, want, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-14)


def test_no_row_and_no_step():
    maps, initial = random_maps(2, 0, 3, 0, permutations=True)
    before, final = scan_maps(maps, initial)
    assert before.shape == (2, 0)
    assert torch.equal(final, initial)
    before, final = scan_maps(*random_maps(0, 4, 3, 0, permutations=True))
    assert before.shape == (0, 4)
    assert final.shape == (0,)


def test_shapes_that_do_not_belong_together():
    maps, initial = random_maps(2, 4, 17, 0, permutations=True)
    with pytest.raises(InputError, match="maps"):
        scan_maps(maps, initial[:1])
    with pytest.raises(InputError, match="16 values, not 17"):
        pack_maps(maps)
