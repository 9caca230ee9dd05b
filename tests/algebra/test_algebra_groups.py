from __future__ import annotations

import pytest

from ssmc.algebra.groups import name_group


def cycles(n: int, *given: tuple[int, ...]) -> tuple[int, ...]:
    out = list(range(n))
    for cycle in given:
        for q, r in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            out[q] = r
    return tuple(out)


def generated(*generators: tuple[int, ...]) -> list[tuple[int, ...]]:
    found = [tuple(range(len(generators[0])))]
    for element in found:
        for generator in generators:
            product = tuple(generator[q] for q in element)
            if product not in found:
                found.append(product)
    return found


QUATERNION = (
    cycles(8, (0, 1, 2, 3), (4, 5, 6, 7)),
    cycles(8, (0, 4, 2, 6), (1, 7, 3, 5)),
)
AFFINE_7 = tuple((q + 1) % 7 for q in range(7))


@pytest.mark.parametrize(
    ("generators", "name", "order", "abelian", "solvable"),
    [
        ((cycles(2),), "1", 1, True, True),
        ((cycles(2, (0, 1)),), "C2", 2, True, True),
        ((cycles(6, (0, 1), (2, 3, 4)),), "C6", 6, True, True),
        ((cycles(4, (0, 1)), cycles(4, (2, 3))), "C2 x C2", 4, True, True),
        ((cycles(6, (0, 1, 2, 3)), cycles(6, (4, 5))), "C2 x C4", 8, True, True),
        ((cycles(7, (0, 1)), cycles(7, (2, 3)), cycles(7, (4, 5, 6))), "C2 x C6", 12, True, True),
        ((cycles(3, (0, 1)), cycles(3, (0, 1, 2))), "S3", 6, False, True),
        ((cycles(4, (0, 1, 2, 3)), cycles(4, (0, 2))), "D4", 8, False, True),
        ((cycles(5, (0, 1, 2, 3, 4)), cycles(5, (1, 4), (2, 3))), "D5", 10, False, True),
        (QUATERNION, "Q8", 8, False, True),
        ((cycles(4, (0, 1, 2)), cycles(4, (1, 2, 3))), "A4", 12, False, True),
        ((cycles(4, (0, 1, 2, 3)), cycles(4, (0, 1))), "S4", 24, False, True),
        ((cycles(5, (0, 1, 2, 3, 4)), cycles(5, (0, 1, 2))), "A5", 60, False, False),
        ((cycles(5, (0, 1, 2, 3, 4)), cycles(5, (0, 1))), "S5", 120, False, False),
        ((AFFINE_7, tuple(2 * q % 7 for q in range(7))), "C7:C3", 21, False, True),
        ((AFFINE_7, tuple(3 * q % 7 for q in range(7))), "C7:C6", 42, False, True),
        ((AFFINE_7, cycles(7, (1, 2), (3, 6))), "PSL(2,7)", 168, False, False),
        ((cycles(5, (0, 1)), cycles(5, (0, 1, 2)), cycles(5, (3, 4))), "D6", 12, False, True),
        ((cycles(6, (0, 1, 2)), cycles(6, (1, 2, 3)), cycles(6, (4, 5))), "C2 x A4", 24, False, True),
        ((cycles(7, (0, 1, 2, 3, 4)), cycles(7, (0, 1, 2)), cycles(7, (5, 6))), "C2 x A5", 120, False, False),
    ],
)
def test_names(generators, name: str, order: int, abelian: bool, solvable: bool) -> None:
    group = name_group(generated(*generators))
    assert (group.name, group.order, group.abelian, group.solvable) == (name, order, abelian, solvable)


def test_the_primes_of_a_group() -> None:
    assert name_group(generated(cycles(5, (0, 1)), cycles(5, (2, 3, 4)))).primes == (2, 3)


def test_a_group_without_a_name_still_has_an_order() -> None:
    # C3 wreath C2, not split off by any of the rules
    group = name_group(generated(cycles(6, (0, 1, 2)), cycles(6, (0, 3), (1, 4), (2, 5))))
    assert (group.order, group.abelian, group.solvable) == (18, False, True)
