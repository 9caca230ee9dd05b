"""Compiled folders run by the unmodified classes of transformers: loaded by name, compared with the automaton letter by letter."""

import json
import random

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from safetensors.torch import load_file, save_file

from ssmc.automaton import DEAD, Automaton
from ssmc.cascade import decompose
from ssmc.cascade.strategy import Options
from ssmc.cli import main
from ssmc.compile import compile_language, write_model
from ssmc.errors import InputError, NotStarFreeError, TargetError, UsageError, VerificationError
from ssmc.languages import language_of, read_language, shipped_grammars
from ssmc.targets import TARGETS, lower
from ssmc.targets.folder import read_stock
from ssmc.targets.mamba import KEEP, K
from ssmc.verify import DifferenceError
from ssmc.verify.recurrent import adapt, build_stock
from ssmc.verify.stock import prove_stock
from tests.targets.random_cascades import cascades

transformers = pytest.importorskip("transformers")
STAR_FREE = [
    path.stem
    for path in shipped_grammars()
    if read_language(str(path)).automaton and "star_free = true" in path.read_text()
]
LARGE = {"order-preserving-5", "d-12"}
LANGUAGES = [name for name in STAR_FREE if name not in LARGE]
CLASSES = {"mamba": "MambaForCausalLM", "mamba2": "Mamba2ForCausalLM"}


def wanted(automaton, vocabulary, word):
    """(1 + T, tokens): the logits of every prefix, from the transition table alone."""
    rows, state = [], 0 if automaton.states else DEAD
    for symbol in [None, *word]:
        if symbol is not None and state != DEAD:
            state = automaton.delta[state][automaton.alphabet.class_of(symbol)]
        row = [-128.0] * vocabulary.size
        accepted = state in automaton.accepting
        if vocabulary.mode == "recognise":
            row[vocabulary.id("accept")], row[vocabulary.id("reject")] = (
                (128.0, -128.0) if accepted else (-128.0, 128.0)
            )
        else:
            row[vocabulary.id("eos")] = 128.0 if accepted else -128.0
            for symbol_ in range(automaton.alphabet.size):
                if state != DEAD and automaton.delta[state][automaton.alphabet.class_of(symbol_)] != DEAD:
                    row[symbol_] = 128.0
        for i, final in enumerate(automaton.patterns):
            row[vocabulary.id(f"pattern {i}")] = 128.0 if state in final else -128.0
        rows.append(row)
    return torch.tensor(rows)


def words_of(automaton, mode, rng, length):
    """Live prefixes (predict), or live prefixes and arbitrary words (recognise)."""
    found = []
    for _ in range(4):
        word, state = [], 0
        while len(word) < length and automaton.states:
            live = [
                s
                for s in range(automaton.alphabet.size)
                if automaton.delta[state][automaton.alphabet.class_of(s)] != DEAD
            ]
            if not live:
                break
            word.append(rng.choice(live))
            state = automaton.delta[state][automaton.alphabet.class_of(word[-1])]
        found.append(word)
    if mode == "recognise":
        found += [[rng.randrange(automaton.alphabet.size) for _ in range(length)] for _ in range(3)]
    return found


def check_forward(model, automaton, vocabulary, words):
    """The full-sequence form, with and without the start token."""
    for word in words:
        exact = wanted(automaton, vocabulary, word).to(model.dtype)
        with torch.no_grad():
            logits = model(torch.tensor([[vocabulary.id("bos"), *word]]), use_cache=False).logits[0]
            assert torch.equal(logits, exact)
            if word:
                assert torch.equal(model(torch.tensor([word]), use_cache=False).logits[0], exact[1:])


def compiled_folder(tmp_path, name, target, mode, dtype="float32"):
    compiled = compile_language(read_language(name), mode=mode, target=target, dtype=dtype)
    folder = tmp_path / f"{name}-{target}"
    write_model(compiled, folder)
    return compiled, folder


@pytest.mark.parametrize("target", CLASSES)
@pytest.mark.parametrize("name", LANGUAGES)
def test_every_star_free_grammar_runs_in_the_stock_class(tmp_path, name, target):
    compiled, folder = compiled_folder(tmp_path, name, target, "predict")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert type(model).__name__ == CLASSES[target]
    assert type(model).__module__.startswith("transformers.")
    vocabulary = compiled.weights.vocabulary
    words = words_of(compiled.cascade.automaton, "predict", random.Random(name), 40)[:3]
    # the chunked form of Mamba-2 pads every input to 256 symbols, so one word costs as much as a long one
    check_forward(model, compiled.cascade.automaton, vocabulary, words if target == "mamba" else words[:1])
    check_forward(model.to(torch.bfloat16), compiled.cascade.automaton, vocabulary, words[:1])


@pytest.mark.parametrize("target", CLASSES)
@pytest.mark.parametrize("name", ["aa-star", "abcde", "d-2", "flip-flop", "zeros-two"])
def test_recognition_in_the_stock_class(tmp_path, name, target):
    compiled, folder = compiled_folder(tmp_path, name, target, "recognise")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    automaton = compiled.cascade.automaton
    words = words_of(automaton, "recognise", random.Random(1), 30)
    check_forward(model, automaton, compiled.weights.vocabulary, words[2:] if target == "mamba" else words[3:5])


@pytest.mark.parametrize("name", sorted(LARGE))
def test_large_grammars_run_in_the_stock_class(name):
    """Without the product, which has tens of thousands of states."""
    automaton = read_language(name).automaton
    weights = lower(decompose(automaton, "predict", Options(tallies=False, effort=1)), "mamba")
    model = build_stock(weights.config, weights.tensors)
    check_forward(model, automaton, weights.vocabulary, words_of(automaton, "predict", random.Random(2), 60)[:2])


@given(cascades(kinds=("reset", "reset", "window")))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_cascades_match_their_interpreter(case):
    """Mamba and Mamba-2 against the cascade's own steps in integers, over live words."""
    cascade, live = case
    for target in CLASSES:
        weights = lower(cascade, target)
        model = build_stock(weights.config, weights.tensors)
        rng = random.Random(0)
        values, symbols, rows = cascade.initial, [], []
        for _ in range(12):
            choices = [c for c in range(cascade.automaton.classes) if (values, c) in live]
            if not choices:
                break
            c = rng.choice(choices)
            output = cascade.output(values, c)
            row = [output.accepting, *output.patterns]
            row += [k in output.legal for k in cascade.automaton.alphabet.classes] * (cascade.mode == "predict")
            rows.append([128.0 if bit else -128.0 for bit in row])
            symbols.append(cascade.automaton.alphabet.representatives[c])
            values = cascade.step(values, c)
        if symbols:
            with torch.no_grad():
                logits = model(torch.tensor([symbols])).logits[0]
            assert torch.equal(logits[:, list(weights.vocabulary.outputs)], torch.tensor(rows)), target


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_counters_add_exactly_and_leave_no_trace(dtype):
    """Two counters share a block: what one adds must not be seen by the other, and the stream is +-R again after the comparison."""
    automaton = read_language("dyck-2-3").automaton
    weights = lower(decompose(automaton, "predict", Options(tallies=False)), "mamba", dtype)
    assert "a block for counters" in weights.note
    decay = weights.tensors["backbone.layers.0.mixer.A_log"]
    assert int((decay == KEEP).sum()) == 2
    model = build_stock(weights.config, weights.tensors)
    seen = []
    model.backbone.layers[2].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    words = words_of(automaton, "predict", random.Random(5), 300)
    check_forward(model, automaton, weights.vocabulary, words)
    assert seen
    assert all(bool((stream.abs() == 32).all()) for stream in seen)
    proof = prove_stock(model, automaton, weights.vocabulary)
    assert proof.scan_magnitude == 4


def test_the_two_counts_of_a_proof():
    """The figures of the flip-flop by hand: 3 states x what the tap at t-1 still sees, and every window of the last symbols bit for bit."""
    compiled = compile_language(read_language("flip-flop"), mode="predict", target="mamba")
    proof = prove_stock(compiled.model, compiled.cascade.automaton, compiled.weights.vocabulary)
    assert (proof.product_states, proof.cache_states) == (9, 126)
    assert (
        prove_stock(
            compiled.model, compiled.cascade.automaton, compiled.weights.vocabulary, bitwise_limit=50
        ).cache_states
        is None
    )
    assert compiled.certificate.product_states == 9


def test_a_flipped_weight_is_caught():
    """Weights that are not 0, changed by the least bit or in sign: the proof fails, or the model still answers right on every word tried."""
    compiled = compile_language(read_language("ab-ba-star"), mode="predict", target="mamba")
    automaton, vocabulary, model = compiled.cascade.automaton, compiled.weights.vocabulary, compiled.model
    rng, missed, tried = random.Random(3), 0, 0
    words = words_of(automaton, "predict", rng, 24)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name, tensor in state.items():
        places = tensor.nonzero().tolist()
        for place in rng.sample(places, min(3, len(places))):
            for change in (lambda x: torch.nextafter(x, x + 1), lambda x: -x):
                changed = tensor.clone()
                changed[tuple(place)] = change(changed[tuple(place)])
                model.load_state_dict({**state, name: changed})
                tried += 1
                try:
                    prove_stock(model, automaton, vocabulary, bitwise_limit=0, limit=1000)
                except VerificationError:
                    continue
                missed += 1
                check_forward(model, automaton, vocabulary, words[:2])
    model.load_state_dict(state)
    assert tried > 60
    # what is missed lies in coordinates and channels that nothing reads
    assert missed < tried / 2, (missed, tried)


def test_the_shortest_difference_is_told():
    compiled = compile_language(read_language("flip-flop"), mode="predict", target="mamba")
    other = Automaton.from_table(compiled.cascade.automaton.alphabet, [[0, 0, 0, 0, 0]], 0, [0])
    with pytest.raises(DifferenceError) as caught:
        prove_stock(compiled.model, other, compiled.weights.vocabulary)
    assert caught.value.counterexample.word == ()
    assert "r0" in caught.value.counterexample.expected


def test_the_cache_is_left_alone():
    """`step` gives the same for the same state, however often it is called, in any batch."""
    compiled = compile_language(read_language("flip-flop"), mode="predict", target="mamba")
    recurrent = adapt(compiled.model)
    with torch.no_grad():
        _, state = recurrent.start(torch.tensor([0, 1]))
        before = [part.clone() for part in state]
        first, after = recurrent.step(torch.tensor([2, 2]), state)
        again, twice = recurrent.step(torch.tensor([2, 2]), state)
        alone, _ = recurrent.step(torch.tensor([2]), tuple(part[1:] for part in state))
    assert all(torch.equal(one, two) for one, two in zip(before, state, strict=True))
    assert torch.equal(first, again)
    assert torch.equal(first[1:], alone)
    assert all(torch.equal(one, two) for one, two in zip(after, twice, strict=True))


@pytest.mark.parametrize("target", CLASSES)
def test_prefill_then_steps_and_left_padding(target):
    compiled = compile_language(read_language("flip-flop"), mode="predict", target=target)
    vocabulary, model = compiled.weights.vocabulary, compiled.model
    word = [0, 2, 3, 1, 2, 4]
    exact = wanted(compiled.cascade.automaton, vocabulary, word)
    with torch.no_grad():
        found = model(torch.tensor([[vocabulary.id("bos"), *word[:3]]]), use_cache=True)
        assert torch.equal(found.logits[0], exact[:4])
        for t, symbol in enumerate(word[3:], 4):
            found = model(torch.tensor([[symbol]]), cache_params=found.cache_params, use_cache=True)
            assert torch.equal(found.logits[0, 0], exact[t])
        padded = torch.tensor([[vocabulary.id("pad")] * 3 + [vocabulary.id("bos"), *word]])
        mask = (padded != vocabulary.id("pad")).long()
        assert torch.equal(model(padded, attention_mask=mask).logits[0, 3:], exact)


@pytest.mark.parametrize("target", CLASSES)
def test_generated_strings_are_words(tmp_path, target):
    compiled, folder = compiled_folder(tmp_path, "flip-flop", target, "predict")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    torch.manual_seed(0)
    automaton, ended = compiled.cascade.automaton, 0
    strings = model.generate(do_sample=True, num_return_sequences=24, max_new_tokens=20)
    for row, text in zip(strings.tolist(), tokenizer.batch_decode(strings, skip_special_tokens=True), strict=True):
        state = 0
        for symbol in automaton.alphabet.encode(text, spaced=True):
            state = automaton.delta[state][automaton.alphabet.class_of(symbol)]
            assert state != DEAD, text
        if tokenizer.eos_token_id in row:
            ended += 1
            assert state in automaton.accepting
    assert ended
    logits = model(**tokenizer("w1 i", return_tensors="pt")).logits[0, -1]
    chances = torch.softmax(logits / 2, -1)
    assert chances[tokenizer.convert_tokens_to_ids("r0")] == 0
    assert chances[tokenizer.convert_tokens_to_ids("r1")] > 0


def test_text_is_read_byte_by_byte(tmp_path):
    language = language_of("<s>[äb]+", name="tag")
    compiled = compile_language(language, mode="predict", target="mamba")
    write_model(compiled, tmp_path / "tag")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "tag")
    tokens = tokenizer("<s>äb").input_ids
    # the text of a special token is text
    assert tokens == [tokenizer.bos_token_id, *b"<s>", *"äb".encode()]
    assert tokenizer.decode(tokens, skip_special_tokens=True) == "<s>äb"
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "tag")
    check_forward(model, compiled.cascade.automaton, compiled.weights.vocabulary, [list("<s>äbä".encode())])


def test_a_symbol_outside_the_alphabet_is_an_error(tmp_path):
    _, folder = compiled_folder(tmp_path, "tomita-1", "mamba", "predict")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with pytest.raises(Exception, match="UNK"):
        tokenizer("z")


def test_refusals_state_the_reason():
    with pytest.raises(NotStarFreeError, match="k mod 2") as caught:
        compile_language(read_language("parity"), target="mamba")
    assert caught.value.witness is not None
    with pytest.raises(TargetError, match="beyond 65504"):
        compile_language(read_language("flip-flop"), target="mamba2", dtype="float16")
    counter = decompose(read_language("d-4").automaton, "predict")
    assert {component.kind for component in counter.components} == {"counter"}
    with pytest.raises(TargetError, match="no increment is negative"):
        lower(counter, "mamba2")
    with pytest.raises(TargetError, match="out of range"):
        lower(counter, "mamba", "float16")
    recognise = decompose(read_language("d-4").automaton, "recognise")
    assert any(component.kind == "counter" for component in recognise.components)
    with pytest.raises(TargetError, match="no bound"):
        lower(recognise, "mamba")


def test_what_compile_falls_back_to():
    """Where a counter cannot be had, resets do it."""
    compiled = compile_language(read_language("d-3"), mode="predict", target="mamba", dtype="float16")
    assert {component.kind for component in compiled.cascade.components} <= {"reset", "window"}
    assert compiled.certificate.dtype == "float16"


def run(capsys, *words):
    """The exit code and the stdout of a command."""
    with pytest.raises(SystemExit) as done:
        main(list(words))
    return done.value.code or 0, capsys.readouterr().out


def test_folders_on_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    compile_it = ("compile", "flip-flop", "--mode", "predict", "--target", "mamba", "-o", "ff")
    assert run(capsys, *compile_it)[0] == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "ff").iterdir()}
    assert run(capsys, *compile_it)[0] == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "ff").iterdir()}
    code, out = run(capsys, "verify", "ff", "--dtype", "bfloat16", "--json")
    data = json.loads(out)
    assert (code, data["equivalent"], data["product_states"], data["cache_states"]) == (0, True, 9, 126)
    assert data["dtype"] == "bfloat16"
    assert run(capsys, "verify", "ff", "tomita-1")[0] == 3
    code, out = run(capsys, "run", "ff", "w1 i r1", "w0 i r1", "")
    assert (code, out.splitlines()[0]) == (1, "accepted  w1 i r1")
    assert "symbol 3 is illegal; legal: w0 w1 i r0" in out
    shown = json.loads(run(capsys, "inspect", "ff", "--json")[1])
    assert (shown["target"], shown["certified"], shown["mode"]) == ("mamba", True, "predict")
    assert "level 1 := 1 when x in {w0}" in run(capsys, "inspect", "ff")[1]
    assert run(capsys, "compile", "flip-flop", "--target", "mamba", "-o", "ff.pt")[0] == 2
    assert run(capsys, "bench", "ff")[0] == 2


def test_a_changed_folder_is_not_believed(tmp_path, capsys):
    _, folder = compiled_folder(tmp_path, "flip-flop", "mamba", "predict")
    tensors = load_file(folder / "model.safetensors")
    tensors["lm_head.weight"][3] = tensors["lm_head.weight"][2]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    code, out = run(capsys, "verify", str(folder), "--json")
    assert (code, json.loads(out)["equivalent"]) == (1, False)
    assert json.loads(run(capsys, "inspect", str(folder), "--json")[1])["certified"] is False


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ssmc.json", b"{}"),
        ("ssmc.json", b'{"format": "ssmc.stock", "version": 99}'),
        ("ssmc.json", b"[" * 10_000),
        ("model.safetensors", b"nothing"),
        ("config.json", b"not JSON"),
    ],
)
def test_damaged_folders_are_one_line(tmp_path, name, content, capsys):
    _, folder = compiled_folder(tmp_path, "aa-star", "mamba", "predict")
    (folder / name).write_bytes(content)
    assert run(capsys, "inspect", str(folder))[0] == 3
    with pytest.raises(InputError):
        read_stock(folder)


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    compiled = compile_language(read_language("aa-star"), mode="predict", target="mamba")
    with pytest.raises(InputError, match="other things"):
        write_model(compiled, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="folder"):
        write_model(compiled, tmp_path / "model.pt")


def test_the_card_tells_the_proof(tmp_path):
    compiled, folder = compiled_folder(tmp_path, "flip-flop", "mamba2", "predict")
    card = (folder / "README.md").read_text()
    for part in (
        "Mamba2ForCausalLM",
        "i*(w0(i|r0)*|w1(i|r1)*)*",
        compiled.certificate.sha256,
        "ssmc verify DIR",
        "9 reachable states",
    ):
        assert part in card


def test_the_drive_saturates():
    """The facts about activations that every gate rests on, in every dtype of the target."""
    silu, softplus = torch.nn.functional.silu, torch.nn.functional.softplus
    for name in TARGETS["mamba"].dtypes:
        dtype = getattr(torch, name)
        on = torch.tensor([n * K for n in range(1, 200)], dtype=dtype)
        assert torch.equal(silu(on), on)
        assert not bool(silu(-on).any())
        assert torch.equal(softplus(torch.tensor([K, -K], dtype=dtype)), torch.tensor([K, 0], dtype=dtype))
        assert torch.exp(torch.tensor(-K, dtype=dtype)) == 0
    assert torch.exp(-torch.exp(torch.tensor(KEEP)) * K) == 1
    assert torch.rsqrt(torch.tensor(1024.0) + 1e-5) == 1 / 32
