"""Text behind a decoder: the decoder follows the trie, and the cascade over bytes is the byte automaton."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ssmc.cascade.check as plain
from ssmc.algebra import check_starfree
from ssmc.automaton import DEAD, Alphabet, Automaton
from ssmc.cascade import Cascade, check_cascade, decompose
from ssmc.cascade.check import expected_output
from ssmc.cascade.decoder import make_decoder
from ssmc.cascade.encoded import Letters, _behind_decoder, decompose_encoded
from ssmc.cascade.ir import HOLD, Mode, overwrite
from ssmc.cascade.product import product_states
from ssmc.cascade.strategy import Options
from ssmc.encoding import Encoding
from ssmc.errors import InvariantError, LimitError, VerificationError
from ssmc.languages import encoding_of, language_of, pattern_set, to_bytes

SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
EDGES = [0x00, 0x61, 0x7F, 0x80, 0xE9, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF]  # fmt: skip


@st.composite
def texts(draw: st.DrawFn) -> Automaton:
    """A small automaton over code points whose classes begin at edges of UTF-8 and at random places."""
    point = st.one_of(st.sampled_from(EDGES), st.integers(0, 0x10FFFF))
    starts = sorted({0, *draw(st.lists(point, min_size=1, max_size=6))})
    classes = [draw(st.integers(0, 3)) for _ in starts]
    alphabet = Alphabet.of_runs("codepoints", (), starts, classes)
    n = draw(st.integers(1, 4))
    entry = st.integers(-1, n - 1)
    rows = [[draw(entry) for _ in range(alphabet.class_count)] for _ in range(n)]
    finals = [draw(st.sets(st.integers(0, n - 1))) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    return Automaton.from_table(alphabet, rows, 0, finals[0], finals if len(finals) > 1 else ())


def slow_check(cascade: Cascade, monkeypatch: pytest.MonkeyPatch) -> int:
    """`check_cascade` state by state."""
    with monkeypatch.context() as patch:
        patch.setattr(plain, "_SMALL", 1 << 60)
        return check_cascade(cascade)


def expectations(cascade: Cascade) -> list:
    automaton = cascade.automaton
    return [expected_output(automaton, cascade.mode, q) for q in (*range(automaton.states), DEAD)]


@settings(max_examples=40, **SLOW)
@given(texts(), st.sampled_from(["recognise", "predict"]), st.integers(0, 3))
def test_random_text(text: Automaton, mode: str, window: int) -> None:
    if check_starfree(text).verdict != "star-free" or not text.states:
        return
    binary = to_bytes(text)
    encoding = encoding_of(text, binary)
    encoding.check()
    if encoding.heights[0] == 1 or not binary.states:
        return
    with pytest.MonkeyPatch.context() as patch:
        for cascade in (
            _behind_decoder(text, binary, encoding, mode, Options(window=window)),
            decompose_encoded(text, binary, encoding, mode, Options(window=window)),
        ):
            assert cascade.automaton == binary
            count = slow_check(cascade, patch)
            assert product_states(cascade, expectations(cascade), limit=10**6) == count
            lags = sum(component.kind == "window" for component in cascade.components)
            assert window or not lags


@settings(max_examples=60, **SLOW)
@given(texts(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_decoder_follows_the_trie(text: Automaton, source: random.Random, window: int) -> None:
    binary = to_bytes(text)
    encoding = encoding_of(text, binary)
    if encoding.heights[0] == 1:
        return
    decoder = make_decoder(encoding, window=window)
    node_of = {values: node for node, values in decoder.places}
    assert len(node_of) == len(decoder.places)
    values = [0] * len(decoder.components)
    node = 0
    for _ in range(60):
        steps = list(encoding.steps(node))
        if not steps:
            break
        x, child, _ = source.choice(steps)
        values = [
            component.apply(component.table[(x, *(values[j] for j in component.depends_on))], value)
            for component, value in zip(decoder.components, values, strict=True)
        ]
        node = child if child != DEAD else 0
        assert node_of[tuple(values[j] for j in decoder.reads)] == node


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize(
    ("pattern", "layers"),
    [(r"\w+", 2), (r"\d{2}-\d{2}", 2), (r"(?:é|[\u0800-\uffff])+x", 3), (r"[^\U0001f600-\U0001f64f]*", 3), (r"(\d{1,2})/(\d{1,2})", 3)],
)  # fmt: skip
def test_expressions(pattern: str, layers: int, mode: str) -> None:
    text = language_of(pattern).automaton
    binary = to_bytes(text)
    cascade = _behind_decoder(text, binary, encoding_of(text, binary), mode, Options())
    check_cascade(cascade)
    assert cascade.depth <= layers + (mode == "recognise")
    source = random.Random(7)
    alphabet = "0১٣é-x/a_\u0801\U0001f600\U0001d7d8 "
    for _ in range(400):
        word = "".join(source.choice(alphabet) for _ in range(source.randint(0, 6)))
        data = word.encode()
        if source.random() < 0.3 and data:
            cut = source.randrange(len(data))
            data = data[:cut] + bytes([source.randrange(256)]) * source.randint(0, 2) + data[cut + 1 :]
        try:
            expected = bool(re.fullmatch(pattern, data.decode()))
        except UnicodeDecodeError:
            expected = False
        values, accepted, state = cascade.initial, cascade.readout.outputs[cascade.readout.initial].accepting, 0
        for byte in data:
            x = binary.alphabet.class_of(byte)
            state = binary.delta[state][x]
            if state == DEAD and mode == "predict":
                accepted = False
                break
            accepted = cascade.output(values, x).accepting
            values = cascade.step(values, x)
            if state == DEAD:
                accepted = False
                break
        assert accepted == expected, data


def test_pattern_sets_keep_their_patterns() -> None:
    text = pattern_set([language_of(p, search=True).automaton for p in (r"\d\d", "é", "x\u0bbe")])
    binary = to_bytes(text)
    cascade = _behind_decoder(text, binary, encoding_of(text, binary), "recognise", Options())
    check_cascade(cascade)
    assert cascade.automaton.patterns


@pytest.mark.parametrize("pattern", [r"\w+é", r"\d\d", "(?s).*éa.*", "(é|a\u0660)*"])
def test_inside_letters_change_no_state(pattern: str) -> None:
    text = language_of(pattern).automaton
    binary = to_bytes(text)
    letters = Letters.of(text, encoding_of(text, binary))
    columns = letters.automaton.columns
    early = set()
    for below, letter in letters.inside.items():
        [c, *others] = sorted(below)
        once = text.columns[c]
        if not others and all(r == DEAD or text.delta[r][c] == r for r in once):
            # a second reading changes nothing, so it is read at every byte
            assert columns[letter] == once
            assert letter == letters.symbols[c]
            early.add(c)
            continue
        for q, r in enumerate(columns[letter]):
            assert r == (q if below & set(text.live_classes[q]) else DEAD)
    assert bool(early) == (pattern != r"\d\d")
    assert check_starfree(letters.automaton).verdict == check_starfree(text).verdict


@pytest.mark.parametrize("mode", ["recognise", "predict", "monitor"])
@pytest.mark.parametrize("pattern", ["(?s).*abcab.*", "(?s).*(ab|xa).*", "[^a]*a[^a]*"])
def test_windows_where_bytes_are_letters(pattern: str, mode: Mode) -> None:
    """All other characters do the same however often they come, so the cascade over letters has windows of bytes."""
    text = language_of(pattern).automaton
    binary = to_bytes(text)
    encoding = encoding_of(text, binary)
    assert Letters.of(text, encoding).told_by_byte
    cascade = decompose_encoded(text, binary, encoding, mode, Options(share=2))
    check_cascade(cascade)
    assert cascade.automaton == binary


def test_ascii_has_no_decoder() -> None:
    text = language_of("[a-c]+@x").automaton
    binary = to_bytes(text)
    cascade = decompose_encoded(text, binary, encoding_of(text, binary), "predict")
    assert cascade == decompose(binary, "predict")


def test_the_limit_of_layers_holds_for_both() -> None:
    text = language_of(r"\w+").automaton
    binary = to_bytes(text)
    with pytest.raises(LimitError, match="--max-layers"):
        decompose_encoded(text, binary, encoding_of(text, binary), "recognise", Options(max_layers=1))


def test_faults_are_found() -> None:
    text = language_of(r"\d-é").automaton
    binary = to_bytes(text)
    cascade = _behind_decoder(text, binary, encoding_of(text, binary), "recognise", Options())
    source = random.Random(5)
    expected = expectations(cascade)
    caught = 0
    for _ in range(60):
        k = source.randrange(len(cascade.components))
        component = cascade.components[k]
        key = source.choice(sorted(component.table))
        choices = [HOLD, *map(overwrite, component.values)] if component.kind == "reset" else []
        choices = [action for action in choices if action != component.table[key]]
        if component.latch:
            choices = [action for action in choices if action in (HOLD, overwrite(1))]
        if not choices:
            continue
        table = dict(component.table) | {key: source.choice(choices)}
        broken = (
            *cascade.components[:k],
            replace(component, table=MappingProxyType(table)),
            *cascade.components[k + 1 :],
        )
        mutant = replace(cascade, components=broken)
        found = product_states(mutant, expected, limit=10**6)
        with pytest.MonkeyPatch.context() as patch:
            if found is None:
                caught += 1
                with pytest.raises(VerificationError) as slow:
                    slow_check(mutant, patch)
                patch.setattr(plain, "_SMALL", 0)
                with pytest.raises(VerificationError) as fast:
                    check_cascade(mutant)
                assert fast.value.word == slow.value.word
            else:
                assert slow_check(mutant, patch) == found
    assert caught > 10


@pytest.mark.parametrize(
    ("children", "leaves", "message"),
    [
        (((0,),), ((DEAD,),), "the root"),
        (((1, DEAD), (DEAD, DEAD)), ((0, DEAD), (DEAD, 0)), "beginning of another"),
        (((1, DEAD), (DEAD, DEAD)), ((DEAD, 0), (DEAD, 0)), "both begins"),
        (((1, DEAD), (DEAD, 2), (DEAD, 3), (DEAD, 4), (DEAD, DEAD)), ((DEAD, DEAD),) * 4 + ((DEAD, 0),), "5 bytes"),
    ],
)
def test_encodings_are_checked(children: tuple, leaves: tuple, message: str) -> None:
    with pytest.raises(InvariantError, match=message):
        Encoding(children, leaves).check()
