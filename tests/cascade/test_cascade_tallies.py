"""What is read of an unbounded tally is exact in every order of evaluation (docs/cascade.md, *Tallies*), past 2^24 and with overwrites."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

M = 2**24
"""Every integer up to this is a float32 number."""


def combine(one: tuple[np.float32, np.float32], other: tuple[np.float32, np.float32]) -> tuple[np.float32, np.float32]:
    """The scan's operator in float32."""
    return one[0] * other[0], other[0] * one[1] + other[1]


def in_some_order(steps: list[tuple[np.float32, np.float32]], rng: Random) -> np.float32:
    """The state after all steps, combined along a random binary tree."""
    parts = list(steps)
    while len(parts) > 1:
        i = rng.randrange(len(parts) - 1)
        parts[i : i + 2] = [combine(parts[i], parts[i + 1])]
    return parts[0][1]


def one_by_one(steps: list[tuple[np.float32, np.float32]]) -> np.float32:
    h = np.float32(0)
    for a, b in steps:
        h = a * h + b
    return h


@pytest.mark.parametrize("seed", range(8))
def test_thresholds_are_exact_past_the_range_of_exact_integers(seed: int) -> None:
    rng = Random(seed)
    differ = beyond = 0
    for _ in range(60):
        size = rng.choice([1, 2**8, 2**20, M - 1])
        values = [(1, rng.choice([0, 1, rng.randrange(size + 1)])) for _ in range(rng.randint(2, 60))]
        values += [(1, 1)] * rng.randrange(20)
        if rng.random() < 0.5:
            values[rng.randrange(len(values))] = (0, rng.randrange(size + 1))
        exact = 0
        for a, b in values:
            exact = a * exact + b
        steps = [(np.float32(a), np.float32(b)) for a, b in values]
        computed = [one_by_one(steps), *(in_some_order(steps, rng) for _ in range(5))]
        beyond += exact > M
        differ += len(set(computed)) > 1
        for h in computed:
            # the two steps of the proof: never too small, and exact where integers are
            assert h >= min(exact, M)
            assert exact > M or h == exact
            for threshold in (0, 1, 7, exact - 1, exact, exact + 1, M - 2, M - 1):
                if 0 <= threshold < M:
                    read = np.clip(h - np.float32(threshold), 0, 1)
                    assert read == (exact > threshold)
    assert beyond > 5
    if seed == 0:
        assert differ, "no two orders differed past 2^24, so nothing was tested"


def test_a_threshold_at_the_limit_would_not_be_exact() -> None:
    steps = [(np.float32(1), np.float32(M)), *[(np.float32(1), np.float32(1))] * 2]
    after = combine(steps[0], combine(steps[1], steps[2]))[1]
    # one by one the state stays at 2^24, in pairs it goes on: [h > 2^24] depends on the order
    assert int(one_by_one(steps)) == M
    assert int(after) == M + 2


def test_the_scan_of_the_cpu_reads_the_same_as_the_loop() -> None:
    torch = pytest.importorskip("torch")
    from ssmc.kernels import scan

    steps = 1000
    ones = torch.ones(1, steps, 1)
    initial = torch.full((1, 1), float(M - 5))
    states, _ = scan(ones, ones, initial)
    loop = []
    h = initial
    for t in range(steps):
        h = ones[:, t] * h + ones[:, t]
        loop.append(h)
    looped = torch.stack(loop, dim=1)
    assert not torch.equal(states, looped)
    for threshold in (0, M - 5, M - 4, M - 3, M - 2, M - 1):
        assert torch.equal((states - threshold).clamp(0, 1), (looped - threshold).clamp(0, 1))
