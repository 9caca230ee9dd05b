"""Bounded Dyck languages without a table are sampled, labelled and scored as those with one."""

import random

import numpy as np
import pytest

from ssmc.dyck import BoundedDyck, bracket_names
from ssmc.evaluate.reference import Reference
from ssmc.sample import Machine, Settings, WordCounts, draw_samples, dyck_weights, near_miss, next_sets
from ssmc.sample.brackets import Brackets, is_ruled
from ssmc.sample.draw import Bin
from ssmc.sample.near import _Sides, _Whole

PAIRS = [(1, 3), (2, 2), (2, 3), (3, 2)]


def both(kinds, depth):
    """The language without a table, by decree, and with one."""
    ruled, plain = BoundedDyck(bracket_names(kinds), depth, limit=1), BoundedDyck(bracket_names(kinds), depth).plain()
    assert is_ruled(ruled)
    assert not is_ruled(plain)
    return ruled, plain


@pytest.mark.parametrize(("kinds", "depth"), PAIRS)
def test_profiles_and_kinds_count_what_the_table_counts(kinds, depth):
    ruled, plain = both(kinds, depth)
    brackets = Brackets.of(ruled)
    profiles, words = WordCounts(brackets.profile, brackets.weight), WordCounts(Machine.of(plain))
    assert [profiles.count(n) for n in range(12)] == [words.count(n) for n in range(12)]
    # every number of a profile stands for one choice of kinds: each word of length 4 has one profile and K^2 colourings
    seen = {}
    for index in range(profiles.count(4)):
        profile = tuple(profiles.unrank(4, index))
        seen[profile] = seen.get(profile, 0) + 1
    assert set(seen.values()) <= {kinds**2}
    if kinds > 2:
        return  # the numbers below are too many to go through
    # the source of Hewitt et al. depends on the depth only: the same shares of profiles
    machine = Machine.of(plain)
    by_word = WordCounts(machine, *dyck_weights(machine, range(kinds)))
    by_profile = WordCounts(brackets.profile, *dyck_weights(brackets.profile, range(1)))
    share = {}
    for index in range(by_word.count(4)):
        profile = tuple(int(x >= kinds) for x in by_word.unrank(4, index))
        share[profile] = share.get(profile, 0) + 1
    for profile, count in share.items():
        own = sum(tuple(by_profile.unrank(4, index)) == profile for index in range(by_profile.count(4)))
        assert own * by_word.count(4) == count * by_profile.count(4)


@pytest.mark.parametrize("method", ["lengths", "words", "walk", "dyck"])
@pytest.mark.parametrize(("kinds", "depth"), [(2, 3), (8, 10)])
def test_samples_are_words_and_near_misses_are_not(kinds, depth, method):
    automaton = BoundedDyck(bracket_names(kinds), depth, limit=5)
    machine = Machine.of(automaton)
    for negatives in (False, True):
        for sample in draw_samples(machine, (Bin(2, 30), Bin(200, 220)), 5, Settings(method, negatives=negatives), 3):
            assert sample.accepted == automaton.accepts(sample.symbols) == (not negatives)
    prefixes = Settings("walk", prefixes=True)
    for sample in draw_samples(machine, (Bin(7, 7),), 5, prefixes, 3):
        assert automaton.stack_after(sample.symbols)


def test_labels_edits_and_references_agree():
    ruled, plain = both(2, 3)
    rng = random.Random(4)
    for _ in range(20):
        word = tuple(rng.randrange(4) for _ in range(8))
        assert next_sets(Machine.of(ruled), word) == next_sets(Machine.of(plain), word)
        assert list(_Whole(ruled, word).wrong_edits()) == list(_Sides(plain, word).wrong_edits())
        for predicts in (False, True):
            one, other = (Reference.of(automaton, predicts=predicts) for automaton in (ruled, plain))
            tokens = np.array([word])
            assert np.array_equal(one.expected[one.walk(tokens)], other.expected[other.walk(tokens)])
    found = near_miss(ruled, (0, 2), rng)
    assert found is not None
    assert not plain.accepts(found[0])
