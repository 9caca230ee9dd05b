"""Models of patterns side by side: proved pattern by pattern, which agrees with the product of the whole; changed weights are caught; other sets are told apart."""

import re
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.answer import answers
from ssmc.cascade import decompose
from ssmc.cascade.bundle import PART_MODES, Bundle
from ssmc.compile import compile_language, write_model
from ssmc.errors import TargetError, VerificationError
from ssmc.languages import language_of, pattern_set, read_pattern_set
from ssmc.nn import Model
from ssmc.nn.formats import read_file
from ssmc.targets import DTYPES, find_target, lower
from ssmc.verify import DifferenceError, prove, specification
from ssmc.verify.difference import find_difference
from ssmc.verify.explore import Counterexample, Explored, explore

torch.set_num_threads(1)

PATTERNS = ["a.*", ".*b", "a*", "[ab]c?", "(a|bc)+", ".*cb.*", "c{2,3}", "(?!a).*", "b+a*", "[^abc]", ".*a.?c"]
MODES = ["recognise", "predict"]


def set_of(patterns, alphabet="abc"):
    return pattern_set([language_of(p, alphabet=alphabet, syntax="python").automaton for p in patterns])


@cache
def bundle_of(patterns, mode):
    members = set_of(patterns)
    return Bundle.of(members, mode, [decompose(member, PART_MODES[mode]) for member in members.members])


def model_of(bundle, dtype="float32"):
    weights = lower(bundle, dtype=dtype)
    return weights, Model.of(weights.config, weights.tensors)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=4),
    st.sampled_from(MODES),
    st.sampled_from(DTYPES),
    st.lists(st.text("abc", max_size=9), max_size=9),
)
def test_answers_are_those_of_re(patterns, mode, dtype, words):
    bundle = bundle_of(tuple(patterns), mode)
    _, model = model_of(bundle, dtype)
    certificate = prove(model, bundle.automaton, bundle)
    assert certificate.proof == "compositional"
    found = explore(model, bundle.members, limit=100_000)
    assert isinstance(found, Explored), found
    encoded = [bundle.automaton.alphabet.encode(word) for word in words]
    for word, answer in zip(words, answers(model, encoded, predict=mode == "predict"), strict=True):
        for k, row in enumerate(answer.patterns):
            expected = [re.fullmatch(p, word[:k]) is not None for p in patterns]
            assert (row.tolist(), answer.prefix_accepted[k]) == (expected, any(expected)), word[:k]


@pytest.mark.parametrize("mode", MODES)
def test_changed_weights_are_caught(mode):
    """Every single number of the head and of the gates, moved by one: refused, or the model still computes the set."""
    bundle = bundle_of((".*cb.*", "a*", "(a|bc)+"), mode)
    weights, _ = model_of(bundle)
    caught = kept = 0
    for name, tensor in weights.tensors.items():
        for place in range(tensor.numel()):
            changed = {key: value.clone() for key, value in weights.tensors.items()}
            step = 256.0 if name.startswith(("head.logits", "initial")) else 1.0
            flat = changed[name].view(-1)
            flat[place] += -step if flat[place] > 0 else step
            model = Model.of(weights.config, changed)
            try:
                prove(model, bundle.automaton, bundle)
            except VerificationError:
                caught += 1
                continue
            kept += 1
            found = explore(model, bundle.members, limit=20_000)
            assert isinstance(found, Explored), (name, place, found)
    assert caught > 20 * kept


def test_units_of_another_pattern_are_no_part_of_a_pattern():
    """The head says which units belong to which pattern; a shifted boundary, or a latch that is not there, is refused."""
    bundle = bundle_of((".*cb.*", "a*", "(a|bc)+"), "recognise")
    weights, _ = model_of(bundle)
    for change in ("units", "latch"):
        config = {**weights.config, "head": {**weights.config["head"]}}
        parts = [dict(part) for part in config["head"]["parts"]]
        if change == "units":
            parts[0]["units"], parts[1]["units"] = (
                [0, parts[0]["units"][1] + 1],
                [parts[0]["units"][1] + 1, parts[1]["units"][1]],
            )
        else:
            parts[1]["latch"] = None
        config["head"]["parts"] = parts
        with pytest.raises(VerificationError):
            prove(Model.of(config, weights.tensors), bundle.automaton, bundle)


@pytest.mark.parametrize("mode", MODES)
def test_another_set_is_told_apart_by_a_shortest_word(mode):
    bundle = bundle_of((".*cb.*", "a*", "(a|bc)+"), mode)
    _, model = model_of(bundle)
    for other in ((".*cb.*", "a*", "(a|bc)*"), (".*cb.*", "aa*", "(a|bc)+"), ("a*", ".*cb.*", "(a|bc)+"), ("a*",) * 3):
        wanted = set_of(other)
        with pytest.raises(DifferenceError) as error:
            prove(model, wanted, bundle)
        found = error.value.counterexample
        assert find_difference(wanted, bundle.members, mode) == found
        assert find_difference(wanted, wanted, mode) is None
        shortest = explore(model, wanted, limit=100_000)
        assert isinstance(shortest, Counterexample)
        assert (found.expected, found.got) != (found.got, found.expected)
        assert len(found.word) >= len(shortest.word)
        word = "".join(found.word)
        said = [[re.fullmatch(p, word) is not None for p in own] for own in (other, (".*cb.*", "a*", "(a|bc)+"))]
        assert said[0] != said[1] or mode == "predict"


def test_stock_targets_take_the_joint_cascade():
    bundle = bundle_of(("a*", ".*b"), "recognise")
    with pytest.raises(TargetError, match="joint cascade"):
        find_target("mamba").lower(bundle)


@pytest.mark.parametrize("mode", MODES)
def test_text_side_by_side(tmp_path, mode, monkeypatch):
    r"""Searches with \d and other letters over UTF-8: one decoder, one output each, proved again from the file."""
    monkeypatch.setattr("ssmc.cascade.sets.JOINT", dict.fromkeys(range(4), 0))
    path = tmp_path / "rules.txt"
    path.write_text("#: search = true\n\\d@\n[à-ö]é\nx\\d\n")
    read = read_pattern_set(str(path))
    compiled = compile_language(read, mode=mode)
    assert isinstance(compiled.cascade, Bundle)
    [decoder] = [k for k, c in enumerate(compiled.cascade.components) if c.name == "patterns 1, 3: first byte"]
    assert all(decoder in compiled.cascade.places[i] for i in (0, 2))
    write_model(compiled, tmp_path / "rules.pt")
    file = read_file(tmp_path / "rules.pt")
    assert file.names["outputs"][:4] == ["accept", *(f"pattern {p}" for p in read.patterns)]
    automaton, cascade = specification(file)
    assert (automaton, cascade) == (compiled.cascade.automaton, compiled.cascade)
    assert prove(file.build(), automaton, cascade).sha256 == compiled.certificate.sha256
    words = ["٣@", "näé x٣", "3", "éfoo", "@", "x3 4@äé.", "", "ßé", "\u0301@"]
    found = answers(compiled.model, [list(word.encode()) for word in words], predict=mode == "predict")
    for word, answer in zip(words, found, strict=True):
        assert answer.patterns[-1].tolist() == [bool(re.search(p, word)) for p in read.patterns], word
    bad = answers(compiled.model, [list(b"ab\xff4@x3"), list(b"\xc3x3")], predict=False)
    assert not any(answer.patterns[-1, :3].any() for answer in bad)
