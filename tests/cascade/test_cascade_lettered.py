"""Tables in two steps, by way of letters, against the same tables written out."""

import json
import random

import pytest

from ssmc.cascade.cases import table_from_json, table_to_json
from ssmc.cascade.lettered import Lettered
from ssmc.errors import InvariantError
from ssmc.targets.cover import Term
from ssmc.targets.layout import Digit
from ssmc.targets.lettering import Steps


def table_at_random(rng):
    """A table over 5 classes, two values that tell a letter and two that do not."""
    count = rng.randint(1, 4)
    steps = [(x, a, b) for x in range(5) for a in range(3) for b in range(2) if rng.random() < 0.8]
    letters = {step: rng.randrange(count) for step in steps}
    rows = tuple(
        {(u, v): rng.randrange(3) for u in range(3) for v in range(-1, 2) if rng.random() < 0.7} for _ in range(count)
    )
    return Lettered(2, letters, rows)


@pytest.mark.parametrize("seed", range(30))
def test_is_the_table_written_out(seed):
    rng = random.Random(seed)
    table = table_at_random(rng)
    flat = {(*s, *v): label for s, letter in table.letters.items() for v, label in table.rows[letter].items()}
    assert dict(table.items()) == flat
    assert len(table) == len(flat)
    assert table.entries == len(table.letters) + sum(map(len, table.rows))
    assert dict(table.relabelled(lambda label: -label).items()) == {key: -label for key, label in flat.items()}
    assert table_from_json(json.loads(json.dumps(table_to_json(table)))) == table
    table.check([range(5), range(3), range(2), range(3), range(-1, 2)])
    for key in [(9, 0, 0, 0, 0), (0, 0, 0, 9, 9)]:
        assert key not in table
    with pytest.raises(InvariantError):
        table.check([range(5), range(3), range(2), range(3), range(1)])
    with pytest.raises(InvariantError, match="without a row"):
        Lettered(2, table.letters, ()).check([range(5), range(3), range(2), range(3), range(-1, 2)])


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("budget", [0, 100_000])
def test_covers_of_letter_sets(seed, budget, monkeypatch):
    """Products hold the steps of their letters and of no other, and exclude each other, steps or not."""
    monkeypatch.setattr("ssmc.targets.lettering.BUDGET", budget)
    rng = random.Random(seed)
    table = table_at_random(rng)
    if not table.letters:
        return
    count = 1 + max(table.letters.values())
    steps = Steps([5, 3, 2], table.letters, (Digit(0, 3), Digit(1, 2)))
    for _ in range(3):
        sets = {rng.randrange(1, 1 << count) for _ in range(3)}
        found = steps.covers(sets)
        for own in sets:
            terms = [Term(1, masks) for masks in found[own]]
            for step, letter in table.letters.items():
                assert sum(term.contains(step) for term in terms) == own >> letter & 1
            assert not any(a.meets(b) for a in terms for b in terms if a is not b)
            for other in sets:
                if not own & other:
                    assert not any(a.meets(Term(1, masks)) for a in terms for masks in found[other])
