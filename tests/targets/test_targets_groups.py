"""Languages with groups, from source to proved model: which target, how many layers, what is refused and why."""

import random
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmc.algebra.random_automata import random_automaton
from ssmc.compile import compile_language
from ssmc.errors import GateError, LimitError, NotStarFreeError, UsageError
from ssmc.kernels.engine import Runner
from ssmc.kernels.saying import Machines
from ssmc.languages import Language, language_of, read_language
from ssmc.targets.fast import describe
from ssmc.verify import prove, states_along

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from groups_models import PRACTICAL, problems

torch.set_num_threads(1)

PAPER = {
    "parity": ("native-signed", 1),
    "aa-even": ("native-signed", 1),
    "tomita-5": ("native-signed", 1),
    "aaaa": ("native-signed", 2),
    "abab": ("native-signed", 2),
    "tomita-3": ("native-signed", 3),
    "tomita-6": ("native-pd", 1),
}
"""The languages that are not star-free of arXiv 2405.17394, the weakest exact target and the most layers."""


def kinds(compiled):
    return {component.kind for component in compiled.cascade.components}


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("name", sorted(PAPER))
def test_the_languages_of_the_paper(name, mode):
    language = read_language(name)
    target, layers = PAPER[name]
    compiled = compile_language(language, target="auto", mode=mode)
    assert compiled.weights.config["architecture"] == target
    assert compiled.to_json()["layers"] <= layers
    assert compiled.certificate.lengths == "all"
    if mode == "recognise":
        automaton = compiled.cascade.automaton
        assert prove(compiled.model, automaton, compiled.cascade, proof="compositional").lengths == "all"
    with pytest.raises(NotStarFreeError, match=f"--target {target}"):
        compile_language(language, mode=mode)


def test_tomita_6_turns_up_to_a_stated_length():
    compiled = compile_language(read_language("tomita-6"), target="native-complex")
    assert compiled.certificate.up_to > 1_000_000
    assert kinds(compiled) == {"rotation"}
    with pytest.raises(
        GateError, match=r"C3 needs a p-th root of unity as a gate, p = 3 .--target native-pd"
    ) as caught:
        compile_language(read_language("tomita-6"), target="native-signed")
    assert caught.value.needed == "complex"
    assert caught.value.exit_code == 1
    assert len(caught.value.witness.word) == 1


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_short_mantissas_are_as_exact(dtype):
    for name, target, lengths in [("tomita-3", "native-signed", "all"), ("symmetric-3", "native-pd", "all")]:
        assert compile_language(read_language(name), target=target, dtype=dtype).certificate.lengths == lengths
    # the gates of rotations are float32 in each dtype
    turned = [compile_language(read_language("tomita-6"), target="native-complex", dtype=d) for d in ("float32", dtype)]
    assert turned[0].certificate.up_to == turned[1].certificate.up_to


@pytest.mark.parametrize("name", ["digit groups", "base64", "even hex"])
def test_practical_expressions(name):
    language = language_of(PRACTICAL[name], syntax="python")
    compiled = compile_language(language, target="auto")
    assert compiled.weights.config["architecture"] == ("native" if name == "digit groups" else "native-signed")
    assert compiled.certificate.lengths == "all"


@pytest.mark.parametrize(
    ("name", "gates"), [("S_3", "complex"), ("A_4", "complex"), ("S_4", "complex"), ("A_5", "pd"), ("T_3", "complex")]
)
def test_word_problems(name, gates):
    language = Language(problems()[name], name, "", "automaton")
    exact = compile_language(language, target="native-pd")
    assert exact.certificate.lengths == "all"
    if gates == "pd":
        assert "permutation" in kinds(exact)
        with pytest.raises(GateError, match="native-pd"):
            compile_language(language, target="native-complex")
    else:
        turned = compile_language(language, target="native-complex")
        assert turned.certificate.up_to > 1_000_000
        assert {"swap", "rotation"} <= kinds(turned)


def test_an_unknown_target_names_those_there_are():
    with pytest.raises(UsageError, match=r"native-signed, .*auto"):
        compile_language(read_language("parity"), target="signed")


def test_star_free_languages_keep_their_target():
    assert compile_language(read_language("d-2"), target="auto").weights.config["architecture"] == "native"
    for target in ("native-signed", "native-pd", "native-complex"):
        compiled = compile_language(read_language("d-2"), target=target)
        assert compiled.certificate.lengths == "all"


@given(st.integers(0, 2**32), st.integers(3, 7), st.integers(2, 3))
@settings(max_examples=15, deadline=None)
@torch.no_grad()
def test_random_automata_end_to_end(seed, states, letters):
    rng = random.Random(seed)
    language = Language(random_automaton(rng, states, letters), "random", "", "automaton")
    compiled = compile_language(language, target="auto")
    automaton = compiled.cascade.automaton
    assert compiled.certificate.lengths == "all"
    word = [rng.randrange(automaton.alphabet.size) for _ in range(400)]
    path = states_along(automaton, word)[1:]
    wanted = torch.tensor([q in automaton.accepting for q in path.tolist()])
    logits, _ = compiled.model(torch.tensor([word]))
    assert torch.equal(logits[0, :, 0], torch.where(wanted, 128.0, -128.0))
    runner = Runner(Machines(describe(automaton, compiled.cascade)))
    for engine in ("bits", "maps", "walk"):
        answers = runner.run(torch.tensor([word]), engine=engine, said="accept").outputs
        assert torch.equal(answers[0].bool(), wanted)


def test_matrices_that_are_too_large_are_a_limit(monkeypatch):
    monkeypatch.setattr("ssmc.targets.native.ENTRIES", 20)
    language = Language(problems()["S_3"], "S_3", "", "automaton")
    with pytest.raises(LimitError, match="column-one-hot matrices"):
        compile_language(language, target="native-pd")
