"""`ssmc explain`: what it says is true of the cascade, and the options that choose a cascade."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from ssmc.algebra.random_automata import random_cascade, random_ordered
from ssmc.automaton import DEAD
from ssmc.cascade import decompose
from ssmc.cascade.explain import READOUT, Explanation, explain, reach
from ssmc.cascade.narrate import narrate, to_json
from ssmc.cascade.rules import find_rules
from ssmc.cascade.strategy import Options
from ssmc.languages import language_of, read_language

if TYPE_CHECKING:
    from pathlib import Path

    from ssmc.automaton import Automaton
    from ssmc.cascade.ir import Cascade, Mode
    from tests.cli.conftest import Ssmc


def expression(text: str, alphabet: str = "ab") -> Automaton:
    return language_of(text, alphabet=alphabet, syntax="python").automaton


def cascades() -> list[Cascade]:
    rng = Random(3)
    automata = [
        read_language("flip-flop").automaton,
        read_language("dyck-2-3").automaton,
        expression(".*abcab.*", "abc"),
        expression("(a|b)*a{9}(a|b)*"),
        *(random_ordered(rng, rng.randint(2, 7), 3) for _ in range(6)),
        *(random_cascade(rng, (2, 2), 3) for _ in range(4)),
    ]
    modes: tuple[Mode, ...] = ("recognise", "predict")
    return [decompose(a, mode, Options(effort=effort)) for a in automata for mode in modes for effort in (0, 1)]


CASCADES = cascades()


def test_rules_say_what_the_tables_say() -> None:
    for cascade in CASCADES:
        tables: list[tuple[Any, tuple[int, ...]]] = [(c.table, c.depends_on) for c in cascade.components]
        for table, reads in [*tables, (cascade.readout.table, cascade.readout.depends_on)]:
            rules = find_rules(table, reads)
            for (x, *values), label in table.items():
                key = dict(zip(reads, values, strict=True))
                named = [case for case, own in rules.cases if any(rule.holds(key, x) for rule in own)]
                assert named == ([] if label == rules.rest else [label])


def test_states_by_value_are_those_met_on_words() -> None:
    rng = Random(8)
    for cascade in CASCADES:
        automaton = cascade.automaton
        found = explain(cascade)
        met: list[set[tuple[int, int]]] = [set() for _ in cascade.components]
        for _ in range(60 if automaton.states else 0):
            state, values = 0, cascade.initial
            for _ in range(rng.randint(0, 12)):
                for k, value in enumerate(values):
                    met[k].add((value, state))
                x = rng.randrange(automaton.classes)
                after = automaton.delta[state][x] if state != DEAD else DEAD
                if after == DEAD and (cascade.mode == "predict" or cascade.latch is not None):
                    break
                state, values = after, cascade.step(values, x)
        for part, pairs in zip(found.parts, met, strict=True):
            said = {(v, q) for v, states in zip(part.component.values, part.states, strict=True) for q in states}
            assert pairs <= said


def check_needs(found: Explanation) -> int:
    """Both words of a need end in values that agree on all that the reader reads but the component, and the reader acts differently."""
    cascade, count = found.cascade, 0
    for k, part in enumerate(found.parts):
        need = part.need
        if need is None:
            continue
        count += 1
        assert need.reader in part.readers
        reads = cascade.readout.depends_on if need.reader == READOUT else cascade.components[need.reader].depends_on
        ends = []
        for word, x, outcome in (need.one, need.other):
            values = cascade.initial
            for letter in word:
                values = cascade.step(values, letter)
            if need.reader == READOUT:
                assert cascade.output(values, x) == outcome
            else:
                component = cascade.components[need.reader]
                assert component.table[x, *(values[j] for j in reads)] == outcome
            ends.append(([values[j] for j in reads if j != k], x))
        assert ends[0] == ends[1]
        assert need.one.outcome != need.other.outcome
    return count


def test_what_is_needed_is_needed() -> None:
    shown = [(check_needs(found), found) for found in map(explain, CASCADES)]
    assert sum(count for count, _ in shown) > 100
    for count, found in shown:
        # the latch is read by every answer, so no two prefixes are shown for it
        assert count >= len(found.parts) - 1


def test_the_product_is_explored_once_for_each_pair() -> None:
    for cascade in CASCADES:
        reached = reach(cascade)
        assert len(set(reached.nodes)) == len(reached.nodes)
        for number in range(0, len(reached.nodes), 7):
            state, values = 0, cascade.initial
            for x in reached.word(number):
                state = cascade.automaton.delta[state][x] if state != DEAD else DEAD
                values = cascade.step(values, x)
            assert reached.nodes[number] == (state, values)


def test_every_cascade_can_be_told() -> None:
    for cascade in CASCADES:
        found = explain(cascade)
        lines = list(narrate(found))
        assert len(lines) < 40 + 12 * len(found.parts)
        assert all(len(line) <= 112 for line in lines)
        for part in found.parts:
            assert any(line.startswith(f"{part.symbol}: ") for line in lines)
        assert to_json(found)["layers"] == cascade.depth


def test_text(ssmc: Ssmc) -> None:
    result = ssmc("explain", "-e", "(a|b)*a{50}(a|b)*", "--alphabet", "ab", "--mode", "predict")
    assert result.code == 0
    for line in (
        "t1: tally from 0 that stops at 49 (layer 1), read by r1, the readout",
        "+1 on a",
        "set to 0 on b",
        "r1: flip-flop (layer 2; reads t1), read by the readout",
        "1  set by a when t1 = 49",
        "held on everything else",
    ):
        assert line in result.out, line
    assert len(result.out.splitlines()) < 40
    latch = ssmc("explain", "flip-flop").out
    assert "dead: latch (layer 2; reads r1)" in latch
    assert "set by r0 when r1 ≠ 1; r1 when r1 ≠ 2" in latch


def test_json(ssmc: Ssmc) -> None:
    data = ssmc("explain", "d-12", "--mode", "predict", "--json").data
    assert (data["schema"], data["mode"], data["layers"], data["height"]) == ("ssmc.explain/1", "predict", 1, 12)
    assert data["counters"] == [{"increments": "+1 on a, -1 on b", "values": list(range(13))}]
    (counter,) = data["components"]
    assert (counter["symbol"], counter["kind"], counter["read_by"]) == ("n1", "counter", ["readout"])
    assert [entry["states"] for entry in counter["values"]] == [[q] for q in range(13)]
    one, other = re.findall(r'"(\w+)"', counter["needed"])
    assert {one, other} == {"ab", "aab"}
    # two words with the same last four symbols and different answers
    assert len({word[-4:] for word in data["tie"]}) == 1


def test_sources_and_refusals(ssmc: Ssmc, tmp_path: Path) -> None:
    several = ssmc("explain", "flip-flop", "parity", "--json")
    assert several.code == 1
    assert [line["schema"] for line in several.lines] == ["ssmc.explain/1", "ssmc.error/1"]
    assert "witness" in several.lines[1]
    text = tmp_path / "pairs.txt"
    text.write_text('#: alphabet = "ab"\n#: mode = "predict"\n(ab)*\n')
    assert ssmc("explain", "--json", str(text)).data["mode"] == "predict"
    empty = ssmc("explain", "-e", "a|b", "--alphabet", "abc", "--json").data
    assert empty["states"][0] == {"word": "ε", "accepting": False}
    assert ssmc("explain", "-e", "[a-zé]+@x").code == 0


@pytest.mark.parametrize("command", ["compile", "explain"])
def test_too_many_layers_are_an_error(ssmc: Ssmc, command: str, tmp_path: Path) -> None:
    source = ["-e", "(a|b|c)*abcab(a|b|c)*", "--alphabet", "abc", "--mode", "predict", "--json"]
    depth = ssmc(command, *source).data["layers"]
    assert depth == 2
    extra = ["-o", str(tmp_path / "m.pt")] if command == "compile" else []
    refused = ssmc(command, *source, "--max-layers", "1", *extra)
    assert (refused.code, refused.data["option"], refused.data["reached"]) == (4, "--max-layers", 2)
    assert list(tmp_path.iterdir()) == []
    assert ssmc(command, *source, "--max-layers", "2", *extra).code == 0


def test_what_is_kept_lowest(ssmc: Ssmc) -> None:
    source = ["compile", "-e", "(a|b|c)*abcab(a|b|c)*", "--alphabet", "abc", "--mode", "predict", "--json"]
    found = {cost: ssmc(*source, "--cost", cost).data for cost in ("layers", "channels", "units")}
    for cost, key in (("layers", "layers"), ("channels", "channels"), ("units", "hidden_units")):
        assert found[cost][key] == min(data[key] for data in found.values()), cost
    assert ssmc(*source, "--cost", "beauty").code == 2


@pytest.mark.parametrize(
    ("source", "ends"),
    [
        (
            ["tomita-3", "--target", "native-signed"],
            ["groups: C2 (solvable)", "weakest gates: signed (needs a -1 gate)", "signed 2, complex 2, pd 1"],
        ),
        (
            ["symmetric-3", "--target", "native-pd"],
            ["groups: S3 (solvable)", "weakest gates: complex", "complex 2, pd 1"],
        ),
        (["flip-flop"], ["groups: none", "weakest gates: non-negative", "non-negative 2, pd 1"]),
        (["tomita-6", "--target", "auto"], ["groups: C3 (solvable)", "weakest gates: complex", "complex 1, pd 1"]),
    ],
)
def test_it_ends_with_what_the_language_needs(ssmc: Ssmc, source: list[str], ends: list[str]) -> None:
    lines = ssmc("explain", *source).out.splitlines()[-3:]
    assert all(end in line for line, end in zip(lines, ends, strict=True))


def test_needs_as_json(ssmc: Ssmc) -> None:
    data = ssmc("explain", "aaaa", "--target", "auto", "--json").data
    assert [group["name"] for group in data["groups"]] == ["C4"]
    assert (data["gates"], data["layers_by_gates"]) == ("signed", {"signed": 2, "complex": 1, "pd": 1})
    refused = ssmc("explain", "aaaa", "--json")
    assert (refused.code, refused.data["layers_by_gates"]) == (1, data["layers_by_gates"])
    data = ssmc("check-starfree", "transformations-4", "--json").data
    assert [group["name"] for group in data["groups"]] == ["C2", "S3", "S4"]
    assert (data["gates"], data["solvable"], data["groups_complete"]) == ("complex", True, True)


@pytest.mark.parametrize("name", ["tomita-6", "symmetric-3", "aaaa"])
def test_a_refusal_says_what_the_language_needs(ssmc: Ssmc, name: str) -> None:
    refused = ssmc("explain", name)
    assert refused.code == 1
    assert "--target native-" in refused.err
    assert refused.out.splitlines() == [
        line.strip() for line in ssmc("explain", name, "--target", "auto").out.splitlines()[-3:]
    ]


@pytest.mark.parametrize(
    ("source", "least"),
    [
        (["parity"], {"signed": 1, "complex": 1, "pd": 1}),
        (["symmetric-3"], {"complex": 2, "pd": 1}),
        (["flip-flop"], {"non-negative": 2, "pd": 1}),
        (["-e", r'"([^"\\]|\\.)*"'], {"signed": 2, "complex": 2, "pd": 1}),
    ],
)
def test_check_starfree_says_how_many_layers_suffice(ssmc: Ssmc, source: list[str], least: dict[str, int]) -> None:
    found = ssmc("check-starfree", *source, "--json").data["layers_at_most"]
    assert list(found) == list(least)
    assert all(found[gates] >= count for gates, count in least.items())
    line = ssmc("check-starfree", *source).out.splitlines()[-1]
    assert line.endswith(", ".join(f"{gates} {count}" for gates, count in found.items()))


def test_layers_are_counted_for_one_source_or_if_asked(ssmc: Ssmc) -> None:
    assert ssmc("check-starfree", "parity", "parity").out.count("layers") == 0
    assert ssmc("check-starfree", "parity", "parity", "--layers").out.count("layers that suffice") == 2
    assert ssmc("check-starfree", "parity", "--no-layers", "--json").data["layers_at_most"] is None
    assert ssmc("check-starfree", "-e", r"\w+").out.splitlines()[-1].endswith(": not counted")
