"""Modular counters: the torsion part of the universal abelian context (docs/groups.md, *Modular counters*).

Let v(q) count the letters on the way from 0 to q in a spanning tree, and L be the lattice of the relations v(q) + e_x - v(r), one for each transition q·x = r. The
group Z^letters / L is the largest abelian group into which the transitions map consistently, and q -> v(q) + L the information that
goes with it. Its Smith normal form is Z^r + Z_d1 + ...; the free part is the counters of `counters`, and each cyclic group of prime-power order
of the rest is a modular counter: c(x) is added at every letter x.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ssmc.algebra.permutations import factor
from ssmc.cascade.counters import letter_relations
from ssmc.cascade.ir import HOLD, TOGGLE, Action, Component

if TYPE_CHECKING:
    from ssmc.alphabet import Alphabet
    from ssmc.cascade.ir import AnyAction, Key
    from ssmc.cascade.system import System

_MOST_RELATIONS = 4_000
"""Relations, after those that repeat, above which the torsion of a system is not looked for."""
_MOST_DIGITS = 40
"""Decimal digits of a coefficient above which the elimination is given up."""
_NAMED = 4


@dataclass(frozen=True)
class ModularCounter:
    """A counter modulo a prime power, which letters add to.

    Attributes:
        modulus: the prime power.
        increments: what each class adds, below the modulus.
    """

    modulus: int
    increments: tuple[int, ...]


def find_modular_counters(system: System) -> tuple[ModularCounter, ...]:
    """The torsion of the universal abelian context, one counter for each cyclic factor of prime-power order; empty for systems too large to look at."""
    used, relations = letter_relations(system)
    if len(relations) > _MOST_RELATIONS:
        return ()
    found = []
    for divisor, coefficients in _torsion(relations, len(used)):
        for prime, exponent in factor(divisor).items():
            modulus = prime**exponent
            increments = [0] * len(system.columns)
            for x, coefficient in zip(used, coefficients, strict=True):
                increments[x] = coefficient % modulus
            found.append(ModularCounter(modulus, _least(increments, modulus)))
    return tuple(sorted(set(found), key=lambda counter: (counter.modulus, counter.increments)))


def modular_components(counter: ModularCounter, alphabet: Alphabet, *, signed: bool) -> tuple[Component, ...]:
    """The counter as one rotation, or as swaps with carry (least digit first) where it is modulo 2, or modulo a power of 2 and `signed`.

    Dependencies are numbered from the first of the components.
    """
    modulus = counter.modulus
    name = f"modulo {modulus}: {_terms(counter, alphabet)}"
    if modulus > 2 and not (signed and modulus & (modulus - 1) == 0):
        table: dict[Key, AnyAction] = {(x,): Action(1, c) for x, c in enumerate(counter.increments)}
        return (Component(name, "rotation", modulus, (), MappingProxyType(table)),)
    bits = modulus.bit_length() - 1
    out = []
    for place in range(bits):
        digits: dict[Key, AnyAction] = {}
        for x, c in enumerate(counter.increments):
            for low in range(1 << place):
                key = (x, *(low >> i & 1 for i in range(place)))
                digits[key] = TOGGLE if (low + c) >> place & 1 else HOLD
        label = name if bits == 1 else f"{name}, digit {place + 1}"
        out.append(Component(label, "swap", 2, tuple(range(place)), MappingProxyType(digits)))
    return tuple(out)


def _least(increments: list[int], modulus: int) -> tuple[int, ...]:
    """The multiple by a unit that comes first: small increments, and the same for the same counter."""
    units = [u for u in range(1, modulus) if all(u % prime for prime in factor(modulus))]
    multiples = [tuple(u * c % modulus for c in increments) for u in units]
    return min(multiples, key=lambda row: (sum(min(c, modulus - c) for c in row), sum(row), row))


def _terms(counter: ModularCounter, alphabet: Alphabet) -> str:
    """The increments as `+1 a, +2 b`."""
    names: dict[int, list[str]] = {}
    for symbol, c in zip(alphabet.representatives, counter.increments, strict=True):
        if c:
            names.setdefault(c, []).append(alphabet.name(symbol))
    return ", ".join(
        f"+{c} {' '.join(own) if len(own) <= _NAMED else f'({len(own)} classes)'}" for c, own in sorted(names.items())
    )


def _torsion(relations: list[tuple[int, ...]], width: int) -> list[tuple[int, tuple[int, ...]]]:
    """The finite cyclic factors Z_d of Z^width / relations: d and the image of each unit vector; empty where coefficients grow too long.

    The rows are brought to diagonal form by integer row and column operations; column operations are kept, for x -> x V (mod d) is the map.
    """
    rows = [list(row) for row in relations if any(row)]
    change = [[int(i == j) for j in range(width)] for i in range(width)]
    bound = 10**_MOST_DIGITS
    for place in range(width):
        while True:
            pivot = min(
                (
                    (abs(row[j]), i, j)
                    for i, row in enumerate(rows[place:], place)
                    for j in range(place, width)
                    if row[j]
                ),
                default=None,
            )
            if pivot is None:
                break
            size, i, j = pivot
            if size > bound:
                return []
            rows[place], rows[i] = rows[i], rows[place]
            for matrix in (rows, change):
                for row in matrix:
                    row[place], row[j] = row[j], row[place]
            head = rows[place]
            for row in rows[place + 1 :]:
                _subtract(row, head, row[place] // head[place])
            for column in range(place + 1, width):
                quotient = head[column] // head[place]
                if quotient:
                    for matrix in (rows, change):
                        for row in matrix:
                            row[column] -= quotient * row[place]
            if not any(row[place] for row in rows[place + 1 :]) and not any(head[place + 1 :]):
                break
        rows = [row for i, row in enumerate(rows) if i <= place or any(row)]
        if place >= len(rows):
            break
    found = []
    for place in range(min(width, len(rows))):
        divisor = abs(rows[place][place])
        if divisor > 1:
            found.append((divisor, tuple(change[x][place] % divisor for x in range(width))))
    return found


def _subtract(row: list[int], other: list[int], quotient: int) -> None:
    if quotient:
        for i, value in enumerate(other):
            row[i] -= quotient * value
