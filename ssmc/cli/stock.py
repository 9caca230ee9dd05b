"""The folder of a stock model given on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssmc.cli import tensors
from ssmc.cli.model import LoadedModel
from ssmc.errors import ModelFileError

if TYPE_CHECKING:
    import torch

    from ssmc.automaton import Automaton
    from ssmc.cascade import Cascade
    from ssmc.targets.folder import StockFile
    from ssmc.targets.vocabulary import Vocabulary
    from ssmc.verify import Certificate


@dataclass(frozen=True)
class LoadedStock(LoadedModel):
    """The folder of a stock model with its parts read on demand; nothing in it is trusted."""

    @property
    def stock(self) -> StockFile:
        """The contents."""
        file: Any = self.file
        contents: StockFile = file
        return contents

    @cached_property
    def automaton(self) -> Automaton:
        """The language.

        Raises:
            ModelFileError: the data describe no automaton over the model's symbols.
        """
        from ssmc.automaton import Automaton

        automaton: Automaton = self._part("automaton", Automaton.from_json, dict(self.stock.automaton))
        if automaton.alphabet.size != self.vocabulary.symbol_count:
            raise ModelFileError(
                f"{self.path}: the automaton has {automaton.alphabet.size} symbols, the vocabulary {self.vocabulary.symbol_count}"
            )
        return automaton

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens.

        Raises:
            ModelFileError: the data describe none.
        """
        vocabulary: Vocabulary = self._part("vocabulary", lambda _: self.stock.tokens, None)
        return vocabulary

    @cached_property
    def model(self) -> Any:
        """The stock class, asked for the outputs of the language alone.

        Raises:
            UsageError: its library is not installed.
            ModelFileError: it cannot be loaded.
        """
        from ssmc.verify.recurrent import load_stock

        return StockReader(load_stock(self.path), self.vocabulary)

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The names of the patterns of a pattern set."""
        pairs = zip(self.vocabulary.roles, self.vocabulary.special, strict=True)
        names = [name for role, name in pairs if role.startswith("pattern ")]
        return tuple(name.lstrip("<").removeprefix("pattern ").rstrip(">") for name in names)

    @property
    def predict(self) -> bool:
        """Whether the model is in predict mode."""
        return self.vocabulary.mode == "predict"

    @property
    def target(self) -> str:
        """The name of the architecture."""
        return self.stock.target

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return str(self.stock.config.get("dtype", "float32"))

    def prove(self, automaton: Automaton, cascade: Cascade | None, dtype: str | None) -> Certificate:  # noqa: ARG002
        """The proof of the class that `from_pretrained` loads, in its dtype or another, and of the tokens that it is given.

        Raises:
            ModelFileError: a file of the folder is missing or damaged.
            DifferenceError: the model differs.
            VerificationError: another part of the proof fails.
            LimitError: the product is too large.
            UsageError: the library is not installed.
        """
        from ssmc.verify.folder import check_folder, check_names
        from ssmc.verify.recurrent import load_stock
        from ssmc.verify.stock import prove_stock

        check_folder(self.path, self.stock)
        model = load_stock(self.path, dtype)
        check_names(self.path, self.stock, model)
        return prove_stock(model, automaton, self.vocabulary)


class StockReader:
    """A stock model as `ssmc.answer` reads one: symbols in, the logits of the language's outputs out, after a start token."""

    def __init__(self, model: Any, vocabulary: Vocabulary) -> None:
        import torch

        from ssmc.verify.recurrent import adapt

        self.model, self.vocabulary = model, vocabulary
        # the others keep part of their state in their modules, or have no kernel here for a long input
        self.steps = None if model.config.model_type in ("mamba", "mamba2") else adapt(model)
        self.outputs = torch.tensor(vocabulary.outputs)
        self.config = {"symbols": vocabulary.symbol_count}
        start = torch.tensor([vocabulary.id("bos")])
        with torch.inference_mode():
            logits = model(start[None]).logits[:, -1] if self.steps is None else self.steps.start(start)[0]
            self.initial_logits = logits[0, self.outputs]

    def __call__(self, tokens: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """(B, T) symbols and the cache after what came before -> (B, T, outputs) logits, and the cache after them."""
        import torch

        start = torch.full_like(tokens[:, :1], self.vocabulary.id("bos"))
        if self.steps is not None:
            parts = []
            if state is None:
                _, state = self.steps.start(start[:, 0])
            for symbols in tokens.unbind(1):
                logits, state = self.steps.step(symbols, state)
                parts.append(logits[:, None, self.outputs])
            return torch.cat(parts, dim=1), state
        if state is None:
            found = self.model(torch.cat([start, tokens], dim=1), use_cache=True)
            return found.logits[:, 1:, self.outputs], found.cache_params
        parts = []
        for column in torch.split(tokens, 1, dim=1):
            # these classes continue a cache one token at a time
            found = self.model(column, cache_params=state, use_cache=True)
            parts.append(found.logits[..., self.outputs])
            state = found.cache_params
        return torch.cat(parts, dim=1), state


def to_json(loaded: LoadedStock) -> dict[str, Any]:
    """The data of `ssmc inspect --json`."""
    file = loaded.stock
    return {
        "schema": "ssmc.inspect/1",
        "source": file.source,
        "mode": loaded.vocabulary.mode,
        "target": file.target,
        "dtype": loaded.dtype,
        "automaton": file.automaton,
        "patterns": list(loaded.patterns),
        "components": file.cascade["components"],
        "config": file.config,
        "tensors": tensors.to_json(file.tensors, file.axes),
        "names": file.names,
        "cascade": file.cascade,
        "certificate": file.certificate,
        "certified": loaded.certified,
        "exactness": None,
        "versions": file.versions,
        "vocabulary": file.vocabulary,
        "note": file.note,
    }


def in_words(loaded: LoadedStock) -> list[str]:
    """The blocks and tensors for people: every channel that is in use, by name."""
    file = loaded.stock
    lines = [f"  class      {file.config['architectures'][0]}: {file.note}"]
    for name, channels in sorted(file.names.items()):
        used = [channel for channel in channels if not channel.startswith("unused")]
        if name.endswith(".channels") or name == "residual":
            lines += [f"  {name}: {len(used)} of {len(channels)} in use", *(f"    {channel}" for channel in used)]
    return lines + tensors.in_words(file.tensors, file.axes)
