"""Unicode expressions become proved models of bytes, and the models answer as `re` does."""

from __future__ import annotations

import random
import re

import pytest
import torch

from ssmc.compile import compile_language
from ssmc.languages import language_of


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("pattern", [r"\d{2}-é?", r"(?:[^\n\u0bbe]|\U0001f600)*x"])
def test_text(pattern: str, mode: str) -> None:
    made = compile_language(language_of(pattern), mode=mode)  # type: ignore[arg-type]
    assert made.certificate.proof == "product"
    assert made.certificate.lengths == "all"
    source = random.Random(1)
    for _ in range(30):
        data = "".join(source.choice("1٣é-x\u0bbe\U0001f600\n") for _ in range(source.randint(1, 5))).encode()
        if source.random() < 0.3:
            data = data[: source.randint(1, len(data))]
        logits, _ = made.model(torch.tensor([list(data)]))
        try:
            expected = bool(re.fullmatch(pattern, data.decode()))
        except UnicodeDecodeError:
            expected = False
        if mode == "recognise":
            assert bool(logits[0, -1, 0] > 0) == expected, data
            continue
        # what is legal must have been legal all the way
        legal = [made.model.initial_logits, *logits[0]]
        live = all(bool(legal[i][1 + byte] > 0) for i, byte in enumerate(data))
        assert (live and bool(logits[0, -1, 0] > 0)) == expected, data
