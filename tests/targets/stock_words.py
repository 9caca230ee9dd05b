"""What the logits of a stock model have to be, from the transition table alone, and words to ask for them."""

import torch

from ssmc.automaton import DEAD
from ssmc.compile import compile_language, write_model
from ssmc.languages import read_language

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
