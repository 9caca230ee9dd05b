"""Patterns side by side: the interpreter of a bundle against the joint automaton that is never built otherwise."""

import json
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD
from ssmc.cascade import Cascade, check_cascade, decompose
from ssmc.cascade.bundle import PART_MODES, Bundle
from ssmc.cascade.check import expected_output
from ssmc.cascade.sets import decompose_set
from ssmc.cascade.strategy import Options
from ssmc.errors import InvariantError, LimitError
from ssmc.languages import language_of, pattern_set

EXPRESSIONS = [
    "a*b", "(ab)*a", ".*ab", ".*abc", "a{2,3}b", "b*", "(a|b)*a(a|b)", "c.*", "[ab]{3}", "a", "()", ".*", "(a|bc)*", "a?b?c?", "ab*c", "∅", "~(.*aa.*)", "(a|b)*c(a|b)*",
]  # fmt: skip
MODES = ["recognise", "predict"]


def bundle_of(expressions, mode):
    patterns = pattern_set([language_of(e, alphabet="abc").automaton for e in expressions])
    return Bundle.of(patterns, mode, [decompose(member, PART_MODES[mode]) for member in patterns.members])


def product(bundle):
    """The slow twin: the bundle's interpreter beside the joint automaton, pair by pair; the number of pairs."""
    joint = bundle.members.plain()
    start = (0 if joint.states else DEAD, bundle.initial)
    assert bundle.readout.outputs[bundle.readout.initial] == expected_output(joint, bundle.mode, start[0])
    seen, queue = {start}, deque([start])
    while queue:
        state, values = queue.popleft()
        for x in range(joint.classes):
            after = joint.after(state, x)
            if after == DEAD and bundle.mode == "predict" and state == DEAD:
                continue
            assert bundle.output(values, x) == expected_output(joint, bundle.mode, after)
            pair = after, bundle.step(values, x)
            if pair not in seen:
                seen.add(pair)
                queue.append(pair)
    return len(seen)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(EXPRESSIONS), min_size=1, max_size=5), st.sampled_from(MODES))
def test_is_the_joint_automaton(expressions, mode):
    bundle = bundle_of(expressions, mode)
    bundle.check()
    assert check_cascade(bundle) == sum(check_cascade(part) for part in bundle.parts)
    assert product(bundle) >= 1
    assert Cascade.from_json(json.loads(json.dumps(bundle.to_json()))) == bundle
    for k, component in enumerate(bundle.components):
        i, local = bundle.owner(k)
        own, classes = bundle.parts[i].components[local], bundle.members.maps[i]
        assert bundle.places[i][local] == k
        # over the classes of the set the table is that of the pattern
        order = sorted(range(len(own.depends_on)), key=lambda j, i=i, own=own: bundle.places[i][own.depends_on[j]])
        assert dict(component.table.items()) == {
            (x, *(key[1 + j] for j in order)): action
            for key, action in own.table.items()
            for x, c in enumerate(classes)
            if c == key[0]
        }


def test_equal_components_are_one():
    twice = bundle_of([".*abc", ".*abc", "c.*"], "recognise")
    assert twice.places[0] == twice.places[1]
    assert len(twice.components) < sum(map(len, twice.places))
    shared = [twice.components[k].name for k in twice.places[0]]
    assert all(name.startswith("patterns 1, 2: ") for name in shared)


@pytest.mark.parametrize("mode", MODES)
def test_a_part_of_another_pattern_is_refused(mode):
    bundle = bundle_of(["a*b", "c.*"], mode)
    with pytest.raises(InvariantError, match="for each pattern"):
        Bundle.of(bundle.members, mode, bundle.parts[::-1])
    with pytest.raises(InvariantError, match="another mode"):
        Bundle.of(bundle.members, "predict" if mode == "recognise" else "recognise", bundle.parts)


def test_the_joint_automaton_is_not_needed():
    """12 patterns whose joint automaton has 2^12 states and more."""
    patterns = pattern_set(
        [language_of(f".*{x}.*{y}.*", alphabet="abcdefghijkl").automaton for x, y in zip("abcdefghijkl", "bcdefghijkla", strict=True)],
        1_000,
    )  # fmt: skip
    with pytest.raises(LimitError, match="pattern set"):
        patterns.require_table()
    found = decompose_set(
        patterns, patterns, "recognise", Options(), lambda a, b, m, o: decompose(b or a, m, o), apart=True
    )
    assert isinstance(found, Bundle)
    assert found.depth <= 2
    check_cascade(found)
    words = [[0, 3, 1], [11, 4, 0], [], [5, 5], list(range(12)) * 2]
    for word in words:
        values, output = found.initial, found.readout.outputs[found.readout.initial]
        for x in word:
            output, values = found.output(values, x), found.step(values, x)
        assert {i for i, holds in enumerate(output.patterns) if holds} == patterns.matches(word)
