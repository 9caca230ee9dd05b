"""A model file given on the command line: the network with the automaton and the cascade stored beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ssmc.errors import ModelFileError, SsmcError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ssmc.automaton import Automaton
    from ssmc.cascade import Cascade
    from ssmc.nn import Model
    from ssmc.nn.file import ModelFile
    from ssmc.verify import Certificate


@dataclass(frozen=True)
class LoadedModel:
    """A model file with its parts read on demand; nothing in it is trusted.

    Attributes:
        path: what the user typed.
        file: the contents.
    """

    path: str
    file: ModelFile

    @cached_property
    def automaton(self) -> Automaton:
        """The language.

        Raises:
            ModelFileError: the data describe no automaton over the model's symbols.
        """
        from ssmc.automaton import Automaton

        automaton: Automaton = self._part("automaton", Automaton.from_json, self.file.automaton)
        symbols = self.file.config["symbols"]
        if automaton.alphabet.size != symbols:
            raise ModelFileError(
                f"{self.path}: the automaton has {automaton.alphabet.size} symbols, the network {symbols}"
            )
        return automaton

    @cached_property
    def cascade(self) -> Cascade:
        """The decomposition.

        Raises:
            ModelFileError: the data describe no cascade.
        """
        from ssmc.cascade import Cascade

        cascade: Cascade = self._part("cascade", Cascade.from_json, self.file.cascade)
        return cascade

    @cached_property
    def model(self) -> Model:
        """The network.

        Raises:
            ModelFileError: the configuration describes none.
        """
        model: Model = self._part("network", lambda _: self.file.build(), None)
        return model

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The names of the patterns of a pattern set.

        Raises:
            ModelFileError: the file does not name them all.
        """
        count = self.automaton.pattern_count
        names = self.file.names.get("outputs", ())[1 : count + 1]
        if len(names) != count or self.file.config["outputs"] < 1 + count:
            raise ModelFileError(f"{self.path}: {count} patterns, {len(names)} names")
        return tuple(str(name).removeprefix("pattern ") for name in names)

    @property
    def predict(self) -> bool:
        """Whether the model is in predict mode."""
        return bool(self.file.config["mode"] == "predict")

    @property
    def target(self) -> str:
        """The name of the architecture."""
        return str(self.file.config["architecture"])

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return str(self.file.config["dtype"])

    def prove(self, automaton: Automaton, cascade: Cascade | None, dtype: str | None) -> Certificate:
        """The proof of the network.

        Args:
            automaton: the language.
            cascade: what the network was lowered from, if it is that of the language.
            dtype: the dtype that was asked for; a model file has one.

        Raises:
            UsageError: it has another dtype.
            DifferenceError: the network differs.
            VerificationError: another part of the proof fails.
            LimitError: the proof is too large.
        """
        from ssmc.verify import prove

        if dtype is not None and dtype != self.dtype:
            raise UsageError(
                f"{self.path}: the weights are {self.dtype}; --dtype is for models that transformers loads"
            )
        return prove(self.model, automaton, cascade)

    @property
    def proved_length(self) -> int | None:
        """The length up to which the certificate says that the model was proved; None for all, or where there is none."""
        lengths = str((self.file.certificate or {}).get("lengths", "all")).removeprefix("up to ")
        return int(lengths) if lengths.isdecimal() else None

    @property
    def certified(self) -> bool:
        """Whether the file has a certificate, and it was made for these weights."""
        from ssmc.verify import weights_digest

        proof = self.file.certificate
        return proof is not None and proof.get("sha256") == weights_digest(self.file.tensors)

    def _part(self, what: str, read: Callable[[Any], Any], data: Any) -> Any:
        try:
            return read(data)
        except ModelFileError as error:
            raise ModelFileError(f"{self.path}: {error.message}") from error
        except (SsmcError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ModelFileError(f"{self.path}: the {what} is damaged: {' '.join(str(error).split())}") from error


def load(path: str) -> LoadedModel:
    """The model file at a path (a file or a folder).

    Raises:
        ModelFileError: it is missing, damaged, hostile or of another format version.
    """
    from ssmc.nn.formats import read_file
    from ssmc.targets.folder import is_stock, read_stock

    if is_stock(path):
        from ssmc.cli.stock import LoadedStock

        contents: Any = read_stock(path)
        return LoadedStock(path, contents)
    return LoadedModel(path, read_file(path))
