"""Pattern sets end to end: every output of the compiled model is the verdict of its own pattern, and the proofs see each of them."""

import re
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.answer import answers
from ssmc.cascade import Cascade, check_cascade, decompose
from ssmc.cascade.explain import explain
from ssmc.cascade.narrate import narrate
from ssmc.compile import compile_language, write_model
from ssmc.errors import NotStarFreeError, UsageError, VerificationError
from ssmc.languages import Language, language_of, pattern_set, read_pattern_set
from ssmc.nn import Model
from ssmc.nn.formats import read_file
from ssmc.targets import lower
from ssmc.verify import prove, specification

torch.set_num_threads(1)

PATTERNS = ["a.*", ".*b", "a*", "[ab]c?", "(a|bc)+", "", ".*cb.*", "c{2,3}", "(?!a).*", "b+a*"]
MODES = st.sampled_from(["recognise", "predict"])


def language(patterns):
    """A pattern set over the letters abc, each pattern in the syntax of `re`."""
    automata = [language_of(p or "(?:)", alphabet="abc", syntax="python").automaton for p in patterns]
    return Language(pattern_set(automata), "set", "\n".join(patterns), "python", patterns=tuple(patterns))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=3), MODES, st.lists(st.text("abc", max_size=9), max_size=9)
)
def test_outputs_are_those_of_re(patterns, mode, words):
    compiled = compile_language(language(patterns), mode=mode)
    automaton = compiled.cascade.automaton
    assert prove(compiled.model, automaton, compiled.cascade, proof="product").proof == "product"
    assert prove(compiled.model, automaton, compiled.cascade, proof="compositional").proof == "compositional"
    assert Cascade.from_json(compiled.cascade.to_json()) == compiled.cascade
    encoded = [automaton.alphabet.encode(word) for word in words]
    for word, answer in zip(words, answers(compiled.model, encoded, predict=mode == "predict"), strict=True):
        for k, row in enumerate(answer.patterns):
            expected = [re.fullmatch(p, word[:k]) is not None for p in patterns]
            assert (row.tolist(), answer.prefix_accepted[k]) == (expected, any(expected)), word[:k]
        if answer.illegal_at is not None:
            # no pattern holds a continuation
            assert not any(re.fullmatch(p, word) for p in patterns)


def test_shared_structure_is_shared():
    alone = [decompose(language([p]).automaton).components for p in ("a.*", "a.*b", "(?!a).*")]
    together = decompose(language(["a.*", "a.*b", "(?!a).*"]).automaton)
    check_cascade(together)
    assert len(together.components) < sum(map(len, alone))


@pytest.mark.parametrize("mode", ["recognise", "predict"])
def test_file_and_mutants(tmp_path, mode):
    compiled = compile_language(language(["a.*", ".*b", "a*"]), mode=mode)
    assert compiled.to_json()["patterns"] == ["a.*", ".*b", "a*"]
    write_model(compiled, tmp_path / "set.pt")
    file = read_file(tmp_path / "set.pt")
    assert file.names["outputs"][:4] == ["accept", "pattern a.*", "pattern .*b", "pattern a*"]
    automaton, cascade = specification(file)
    assert (automaton, cascade) == (compiled.cascade.automaton, compiled.cascade)
    model = file.build()
    assert prove(model, automaton, cascade).sha256 == compiled.certificate.sha256
    for row in (1, 2, 3):
        for name in ("head.logits.bias", "initial_logits"):
            changed = {k: v.clone() for k, v in file.tensors.items()}
            changed[name][row] *= -1
            for proof in ("product", "compositional"):
                with pytest.raises(VerificationError):
                    prove(Model.of(file.config, changed), automaton, cascade, proof=proof)
        # a logit of another pattern in its place is as sound as before, and wrong
        other = 1 + row % 3
        changed = {k: v.clone() for k, v in file.tensors.items()}
        for name in ("head.logits.weight", "head.logits.bias", "initial_logits"):
            changed[name][row] = file.tensors[name][other]
        for proof in ("product", "compositional"):
            with pytest.raises(VerificationError):
                prove(Model.of(file.config, changed), automaton, cascade, proof=proof)


def test_cascade_of_other_patterns_is_caught():
    cascade = decompose(language(["a.*", ".*b"]).automaton)
    outputs = tuple(output._replace(patterns=output.patterns[::-1]) for output in cascade.readout.outputs)
    with pytest.raises(VerificationError):
        check_cascade(replace(cascade, readout=replace(cascade.readout, outputs=outputs)))


def test_text_over_bytes(tmp_path):
    path = tmp_path / "rules.txt"
    path.write_text("#: search = true\n#: mode = 'predict'\né[xy]\n[0-9]x\n")
    read = read_pattern_set(str(path))
    assert dict(read.options) == {"mode": "predict"}
    compiled = compile_language(read)
    words = ["éx", "caféy 3x", "3x", "é", "", "xé3y"]
    found = answers(compiled.model, [list(word.encode()) for word in words], predict=False)
    for word, answer in zip(words, found, strict=True):
        assert answer.patterns[-1].tolist() == [bool(re.search(p, word)) for p in read.patterns], word


def test_first_pattern_that_is_not_star_free_is_named():
    with pytest.raises(NotStarFreeError, match=r"pattern \(aa\)\* is not star-free: .*k mod 2"):
        compile_language(language(["a*", "(aa)*", "(bb)*"]))
    with pytest.raises(NotStarFreeError, match="pattern 2 is not star-free"):
        decompose(language(["a*", "(aa)*"]).automaton)


def test_empty_patterns():
    nothing = "[^abc]"
    for patterns in ([nothing], [nothing, nothing], ["a", nothing]):
        compiled = compile_language(language(patterns))
        [answer] = answers(compiled.model, [[0]], predict=False)
        assert answer.patterns[-1].tolist() == [p == "a" for p in patterns]


def test_names_of_patterns():
    cascade = decompose(language(["a", "b"]).automaton)
    assert lower(cascade).names["outputs"] == ["accept", "pattern 1", "pattern 2"]
    with pytest.raises(UsageError, match="1 names for 2"):
        lower(cascade, patterns=["a"])
    text = "\n".join(narrate(explain(cascade)))
    assert "a word of pattern 1" in text
    assert "a word of pattern 2" in text
