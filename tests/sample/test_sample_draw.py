"""Samples: the right strings, the right lengths, near misses that are near and misses, labels, reproducible from a seed."""

import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.automaton import DEAD
from ssmc.errors import InputError, UsageError
from ssmc.languages import language_of, read_language, shipped_grammars
from ssmc.sample import Machine, Settings, draw_samples, flip_flop_string, near_miss, next_sets
from ssmc.sample.draw import PAPER_BINS, Bin
from ssmc.sample.near import wrong_edits


def machine_of(name):
    return Machine.of(read_language(name).automaton)


def edits(word, symbols):
    """Every string one replacement, insertion or deletion away."""
    out = set()
    for i in range(len(word) + 1):
        out |= {(*word[:i], s, *word[i:]) for s in range(symbols)}
        if i < len(word):
            out |= {(*word[:i], s, *word[i + 1 :]) for s in range(symbols)} | {(*word[:i], *word[i + 1 :])}
    return out - {tuple(word)}


@pytest.mark.parametrize("path", shipped_grammars(), ids=lambda path: path.stem)
@pytest.mark.parametrize("method", ["lengths", "words", "walk"])
def test_every_grammar_has_samples_and_near_misses(path, method):
    machine = machine_of(str(path))
    bins = (Bin(0, 12), Bin(12, 20))
    for chosen in (Settings(method), Settings(method, negatives=True)):
        if chosen.negatives and path.stem == "aa-star":  # only the empty word is outside
            with pytest.raises(InputError, match="near miss"):
                list(draw_samples(machine, bins[1:], 1, chosen, 7))
            continue
        samples = list(draw_samples(machine, bins, 3, chosen, 7))
        assert [sample.bin for sample in samples] == [bins[0]] * 3 + [bins[1]] * 3
        assert samples == list(draw_samples(machine, bins, 3, chosen, 7))
        for sample in samples:
            assert sample.accepted == machine.automaton.accepts(sample.symbols) == (not chosen.negatives)
            slack = int(chosen.negatives)
            assert sample.bin.low - slack <= len(sample.symbols) <= sample.bin.high + slack
            if sample.edit is not None:
                near = edits(sample.symbols, machine.automaton.alphabet.size)
                assert any(machine.automaton.accepts(word) for word in near)


def test_other_seeds_give_other_strings():
    machine = machine_of("tomita-4")
    runs = [tuple(s.symbols for s in draw_samples(machine, PAPER_BINS, 2, Settings(), seed)) for seed in range(5)]
    assert len(set(runs)) == 5


def test_words_of_a_bin_come_up_equally_often():
    """All numbers below the total are drawn exactly once when the generator counts through them."""
    machine = machine_of("tomita-7")

    class InOrder(random.Random):
        def __init__(self):
            super().__init__()
            self.next = -1

        def randrange(self, *_):
            self.next += 1
            return self.next

    from ssmc.sample.counting import WordCounts
    from ssmc.sample.draw import _by_word

    counts = WordCounts(machine)
    total = sum(counts.count(n) for n in range(1, 6))
    choose, rng = _by_word(Bin(1, 5), counts), InOrder()
    words = [tuple(choose(rng)) for _ in range(total)]
    assert len(set(words)) == total
    assert sorted(map(len, words)) == list(map(len, words))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["tomita-4", "dyck-2-3", "flip-flop-bits", "d-3", "fourth-from-end", "abab"]), st.integers(0, 999)
)
def test_wrong_edits_are_all_of_them(name, seed):
    machine = machine_of(name)
    automaton, rng = machine.automaton, random.Random(seed)
    word = next(draw_samples(machine, (Bin(4, 9),), 1, Settings(), seed)).symbols
    found = {tuple(edit.apply(word)) for edit in wrong_edits(automaton, word)}
    assert found == {w for w in edits(word, automaton.alphabet.size) if not automaton.accepts(w)}
    near = near_miss(automaton, word, rng)
    assert (near is None) == (not found)
    if near is None:
        return
    missed, edit = near
    assert tuple(missed) in found
    assert edit.apply(word) == missed


def test_a_language_without_near_misses():
    machine = Machine.of(language_of("(a|b)*", alphabet="ab").automaton)
    assert near_miss(machine.automaton, (0, 1), random.Random(0)) is None
    with pytest.raises(InputError, match="near miss"):
        list(draw_samples(machine, (Bin(1, 3),), 1, Settings(negatives=True), 0))


@pytest.mark.parametrize("length", [4, 6, 512])
@pytest.mark.parametrize("p", ["0", "0.1", "0.8", "0.98", "1"])
def test_flip_flop_strings_follow_the_definition(length, p):
    automaton = read_language("flip-flop-bits").automaton
    rng = random.Random(3)
    seen = Counter()
    for _ in range(20):
        string = flip_flop_string(length, Fraction(p), rng)
        assert len(string) == length
        assert (string[0], string[-2]) == ("w", "r")
        assert automaton.accepts(automaton.alphabet.encode_names(string))
        seen.update(string[2:-2:2])
    if p in ("0", "1"):
        assert set(seen) == ({"w", "r"} if p == "0" else {"i"} if length > 4 else set()) or length == 4
    if length == 512:
        assert abs(seen["i"] / seen.total() - float(p)) < 0.05
        assert p in ("1", "0.98") or abs(seen["w"] - seen["r"]) < 0.1 * seen.total()


def test_flip_flop_strings_that_do_not_exist():
    for length in (0, 2, 5):
        with pytest.raises(InputError, match="even"):
            flip_flop_string(length, Fraction(1, 2), random.Random(0))
    with pytest.raises(InputError, match="between 0 and 1"):
        flip_flop_string(8, Fraction(3, 2), random.Random(0))
    with pytest.raises(InputError, match="flip-flop-bits"):
        next(draw_samples(machine_of("tomita-4"), (Bin(8, 8),), 1, Settings("ffl", ignore=Fraction(1, 2)), 0))
    with pytest.raises(InputError, match="no string"):
        next(draw_samples(machine_of("flip-flop-bits"), (Bin(9, 9),), 1, Settings("ffl", ignore=Fraction(1, 2)), 0))


def test_settings_that_make_no_sense():
    for bad in (
        Settings("nonsense"), Settings("words", prefixes=True), Settings("walk", prefixes=True, negatives=True),
        Settings("ffl"), Settings("walk", ignore=Fraction(1, 2)),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            bad.check()


@pytest.mark.parametrize("name", ["tomita-4", "dyck-2-3", "flip-flop-bits", "abcde"])
def test_labels_are_the_legal_next_symbols(name):
    machine = machine_of(name)
    automaton = machine.automaton
    rng = random.Random(1)
    strings = [s.symbols for s in draw_samples(machine, (Bin(5, 9),), 4, Settings(), 2)]
    strings += [tuple(rng.randrange(automaton.alphabet.size) for _ in range(6)) for _ in range(4)]
    for string in strings:
        labels = next_sets(machine, string)
        assert len(labels) == len(string) + 1
        for k, label in enumerate(labels):
            prefix = string[:k]
            assert label.end == automaton.accepts(prefix)
            assert label.symbols == tuple(
                s for s in range(automaton.alphabet.size) if automaton.run((*prefix, s)) != DEAD
            )


def test_the_empty_language_has_nothing_to_sample():
    empty = read_language("tomita-4").automaton.empty(read_language("tomita-4").automaton.alphabet)
    with pytest.raises(InputError, match="empty"):
        Machine.of(empty)
