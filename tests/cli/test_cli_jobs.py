"""`--jobs`: the same answers in the same order from several processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ssmc


def test_answers_stay_in_order_and_one_failure_stops_nothing(process: Ssmc, tmp_path: Path) -> None:
    paths = []
    for number in range(12):
        path = tmp_path / f"{number}.json"
        period = number % 3 + 1
        table = {f"q{i}": {"a": f"q{(i + 1) % period}"} for i in range(period)}
        data = {
            "states": list(table),
            "input_symbols": ["a"],
            "transitions": table,
            "initial_state": "q0",
            "final_states": ["q0"],
        }
        path.write_text("{" if number == 5 else json.dumps(data))
        paths.append(str(path))
    several = process(
        "check-starfree", "--json", "--jobs", "3", *paths[:7], "-", *paths[7:], stdin='#: alphabet = ["a"]\naa'
    )
    one = process(
        "check-starfree", "--json", "--jobs", "1", *paths[:7], "-", *paths[7:], stdin='#: alphabet = ["a"]\naa'
    )
    assert several == one
    assert several.code == 3
    verdicts = [line.get("verdict") for line in several.lines]
    expected = ["star-free" if n % 3 == 0 else "not-star-free" for n in range(12)]
    assert verdicts == [*expected[:5], None, expected[6], "star-free", *expected[7:]]
