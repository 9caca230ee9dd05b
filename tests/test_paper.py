"""The page about the paper shows its records, and the records are of the present corpus, right everywhere."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def paper() -> Any:
    spec = importlib.util.spec_from_file_location("paper", ROOT / "benchmarks" / "paper.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def record() -> Any:
    return json.loads((ROOT / "benchmarks" / "records" / "paper.json").read_text(encoding="utf-8"))


def test_the_tables_are_those_of_the_records(paper: Any) -> None:
    text = paper.PAGE.read_text(encoding="utf-8")
    assert paper.page(text) == text
    names = {match[2] for match in paper.TABLE.finditer(text)}
    assert names >= {"languages", "families", "scores", "published", "learned", "flipflop", "bestiary"}
    assert all(match[0].count("\n") >= 2 for match in paper.TABLE.finditer(text))


def test_the_record_is_of_the_corpus(paper: Any, record: Any) -> None:
    from ssmc.languages import parse_grammar, shipped_grammars

    grammars = {path.stem: parse_grammar(path.read_text(), str(path)) for path in shipped_grammars()}
    rows = {row["name"]: row for row in record["rows"]}
    assert rows.keys() == grammars.keys()
    assert set(paper.PAPER) <= rows.keys()
    for name, row in rows.items():
        grammar = grammars[name]
        known = (grammar.star_free, grammar.complete_states, grammar.monoid_size, grammar.why)
        assert (row["star_free"], row["states"], row["monoid"], row["why"]) == known
        assert (row["predict"]["gates"] == "non-negative") == grammar.star_free


def test_every_compiled_model_is_right_everywhere(record: Any) -> None:
    for row in record["rows"]:
        assert [score["bin"] for score in row["scores"]] == [[1, 50], [51, 100], [101, 150], [record["long"]] * 2]
        for score in row["scores"]:
            assert score["right"] == score["positions"] > 0
            assert (score["strict"], score["accepted"], score["rejected"]) == (
                score["strings"], score["strings"], score["negatives"],
            )  # fmt: skip


def test_the_large_family(record: Any) -> None:
    rows = {row["name"]: row for row in record["families"]}
    assert rows["dyck:8,10"]["states"] == sum(8**n for n in range(11))
    assert (rows["dyck:8,10"]["registers"], rows["dyck:8,10"]["predict"]["channels"]) == (10, 1 + 10 * 3)
    assert {row["predict"]["layers"] for name, row in rows.items() if name != "dyck:1,12"} == {2}
