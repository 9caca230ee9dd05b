"""A folder of the transformers library as a subject: a causal language model whose tokens are the symbols of the language.

A positive logit of a symbol's token says that it may follow, one of the end-of-string token that the string so far is a word: what a model trained
with one binary cross-entropy for each next symbol says, and what a compiled one does. A configuration with two end-of-string tokens is that of
a model that only tells words from others: the first says yes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssmc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ssmc.alphabet import Alphabet

WHOLE = 1 << 17
"""Tokens (strings times positions) of one forward; longer strings go through the model's cache, a stretch at a time."""


class CausalLanguageModel:
    """A folder that `AutoModelForCausalLM` loads.

    Args:
        folder: the folder; its tokenizer names the symbols.
        alphabet: the symbols of the language; those of bytes are the tokens 0 to 255.
        device: where it runs.

    Raises:
        InputError: the folder cannot be loaded, or it has no token for a symbol.
    """

    def __init__(self, folder: str, alphabet: Alphabet, device: str = "cpu") -> None:
        try:
            from transformers import AutoModelForCausalLM
            from transformers.utils import logging
        except ImportError:
            raise InputError(f"{folder}: needs the package transformers") from None
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(folder)
        except Exception as error:
            raise InputError(f"{folder}: cannot be loaded: {' '.join(str(error).split())[:300]}") from error
        self.model = model.to(device).eval()
        self.name, self.device = folder, device
        self.symbols = _tokens(folder, alphabet)
        ends = self.model.config.eos_token_id
        if ends is None:
            raise InputError(f"{folder}: the configuration names no end-of-string token")
        self.predicts = isinstance(ends, int)
        self.end: int = ends if isinstance(ends, int) else ends[0]
        self.bos: int | None = self.model.config.bos_token_id
        size = self.model.config.vocab_size
        if max(self.symbols.max(initial=-1), self.end, self.bos or 0) >= size:
            raise InputError(f"{folder}: the model has {size} tokens, too few for the language")

    def replies(self, tokens: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
        """See `Subject`; the beginning-of-string token goes first where the configuration names one."""
        import torch

        columns = [self.end, *(self.symbols.tolist() if self.predicts else ())]
        batch = len(tokens)
        ids = self.symbols[tokens]
        first = 0
        if self.bos is not None:
            ids, first = np.concatenate([np.full((batch, 1), self.bos), ids], axis=1), 1
        stride = max(2, WHOLE // batch)
        with torch.inference_mode():
            if ids.shape[1] <= stride:
                yield self._yes(self.model(self._tensor(ids)).logits, columns)[:, first:]
                return
            out = self.model(self._tensor(ids[:, :stride]), use_cache=True)
            yield self._yes(out.logits, columns)[:, first:]
            for place in range(stride, ids.shape[1]):
                out = self._next(ids[:, place : place + 1], out, place)
                yield self._yes(out.logits, columns)

    def _next(self, ids: NDArray[np.int64], out: Any, place: int) -> Any:
        """One more symbol through the cache, which the models of the library hand on under two names."""
        import torch

        cache = {name: out[name] for name in ("cache_params", "past_key_values") if out.get(name) is not None}
        position = torch.tensor([place], device=self.device)
        return self.model(self._tensor(ids), use_cache=True, cache_position=position, **cache)

    def _tensor(self, ids: NDArray[np.int64]) -> Any:
        import torch

        return torch.from_numpy(ids).to(self.device)

    @staticmethod
    def _yes(logits: Any, columns: list[int]) -> NDArray[np.bool_]:
        yes: NDArray[np.bool_] = (logits[..., columns] > 0).cpu().numpy()
        return yes


def _tokens(folder: str, alphabet: Alphabet) -> NDArray[np.int64]:
    """The token of each symbol: what the tokenizer says; bytes, and symbols without a tokenizer, are numbered from 0.

    Raises:
        InputError: the tokenizer does not know a symbol.
    """
    named = any((Path(folder) / file).exists() for file in ("tokenizer.json", "tokenizer_config.json", "vocab.json"))
    if alphabet.kind == "bytes" or not named:
        return np.arange(alphabet.size)
    from transformers import AutoTokenizer

    try:
        vocabulary: dict[str, int] = AutoTokenizer.from_pretrained(folder).get_vocab()
    except Exception as error:
        raise InputError(f"{folder}: the tokenizer cannot be loaded: {' '.join(str(error).split())[:300]}") from error
    lacking = [name for name in alphabet.names if name not in vocabulary]
    if lacking:
        raise InputError(f"{folder}: the tokenizer has no token {lacking[0]!r}")
    return np.array([vocabulary[name] for name in alphabet.names], dtype=np.int64)


def is_causal_language_model(folder: str) -> bool:
    """Whether a path is a folder with a configuration of the transformers library."""
    import json

    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "model_type" in config
