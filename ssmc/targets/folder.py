"""The folder of a stock model: what its library loads by name, and beside it what ssmc knows about the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.errors import ModelFileError
from ssmc.targets.interface import Shape
from ssmc.targets.stock_card import stock_card
from ssmc.targets.tokenizer import tokenizer_files
from ssmc.targets.vocabulary import Vocabulary

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import torch

HEADER = "ssmc.json"
FORMAT, VERSION = "ssmc.stock", 1
FIELDS: dict[str, tuple[type, ...]] = {
    "format": (str,),
    "version": (int,),
    "target": (str,),
    "names": (dict,),
    "axes": (dict,),
    "vocabulary": (dict,),
    "source": (dict,),
    "automaton": (dict,),
    "cascade": (dict,),
    "certificate": (dict, type(None)),
    "shape": (dict,),
    "note": (str,),
    "versions": (dict,),
}
"""The keys of `ssmc.json` and their types."""


@dataclass(frozen=True)
class StockFile:
    """What the folder of a stock model holds; everything but the tensors is JSON.

    Attributes:
        target: the name of the target.
        config: `config.json`, from which the class is built.
        tensors: the state dict.
        names: for each axis name the names of its coordinates.
        axes: for each tensor its axis names.
        vocabulary: the tokens.
        source: `name`, `text`, `syntax` and `level` of what the user wrote.
        automaton: the minimal DFA with its alphabet.
        cascade: the decomposition that was lowered.
        certificate: what was proved about these tensors, or None.
        shape: the size of the model.
        note: how the cascade was lowered.
        versions: of what wrote the folder.
    """

    target: str
    config: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    names: Mapping[str, list[str]]
    axes: Mapping[str, list[str]]
    vocabulary: Mapping[str, Any]
    source: Mapping[str, Any]
    automaton: Mapping[str, Any]
    cascade: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
    shape: Mapping[str, Any]
    note: str
    versions: Mapping[str, str]

    @property
    def tokens(self) -> Vocabulary:
        """The tokens.

        Raises:
            ModelFileError: the data describe none.
        """
        try:
            return Vocabulary.from_json(dict(self.vocabulary))
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"the vocabulary is damaged: {error!r}") from error

    def contents(self) -> dict[str, bytes]:
        """The files of the folder.

        Raises:
            UsageError: the tokenizer library is not installed.
        """
        from safetensors.torch import save

        vocabulary = self.tokens
        header = {name: getattr(self, name) for name in FIELDS if name not in ("format", "version")}
        plain = {name: dict(value) if hasattr(value, "keys") else value for name, value in header.items()}
        return {
            "config.json": _json(dict(self.config)),
            "generation_config.json": _json(generation(vocabulary)),
            "model.safetensors": save({name: t.contiguous() for name, t in sorted(self.tensors.items())}, {"format": "pt"}),
            **tokenizer_files(vocabulary),
            HEADER: _json({"format": FORMAT, "version": VERSION, **plain}),
            "README.md": stock_card(self).encode(),
        }  # fmt: skip


def generation(vocabulary: Vocabulary) -> dict[str, Any]:
    """How strings are generated: every legal token equally likely, or the verdict alone."""
    predict = vocabulary.mode == "predict"
    settings = {"do_sample": True, "top_k": 0, "max_new_tokens": 256} if predict else {"do_sample": False, "max_new_tokens": 1}  # fmt: skip
    return {**vocabulary.config(), **settings}


def write_stock(path: str | os.PathLike[str], file: StockFile) -> None:
    """Writes the folder; after a failure the old one, or nothing, is there.

    Raises:
        InputError: it cannot be written, or something else is there.
        UsageError: the tokenizer library is not installed.
    """
    from ssmc.nn.formats import write_folder

    write_folder(path, file.contents())


def is_stock(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the folder of a stock model."""
    return (Path(path) / HEADER).is_file()


def read_stock(path: str | os.PathLike[str]) -> StockFile:
    """The contents of a folder, without building the model.

    Raises:
        ModelFileError: it cannot be read, is damaged, or of another version; one line.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = Path(path)
    try:
        header = json.loads((folder / HEADER).read_text(encoding="utf-8"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / "model.safetensors")
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except (ValueError, RecursionError, SafetensorError) as error:
        raise ModelFileError(f"{path}: damaged: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ModelFileError(f"{path}: this is not a stock model of ssmc")
    if header.get("version") != VERSION:
        raise ModelFileError(f"{path}: format version {header.get('version')!r}; this ssmc reads version {VERSION}")
    wrong = [name for name, types in FIELDS.items() if type(header.get(name)) not in types]
    if wrong or set(header) != set(FIELDS) or not isinstance(config, dict):
        odd = ", ".join(wrong or sorted(set(header) ^ set(FIELDS)) or ["config.json"])
        raise ModelFileError(f"{path}: missing, unknown or of the wrong type: {odd}")
    if odd := _odd(header, config):
        raise ModelFileError(f"{path}: {odd}")
    fields = {name: header[name] for name in FIELDS if name not in ("format", "version")}
    return StockFile(config=config, tensors=tensors, **fields)


def _odd(header: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """What of the content cannot be; empty if nothing is seen."""
    from ssmc.targets import TARGETS

    target = TARGETS.get(header["target"])
    if target is None or target.form != "stock":
        return f"{HEADER}: unknown target {header['target']!r}"
    kind = str(config.get("model_type"))
    if kind.replace("_", "") != target.name.replace("-", ""):
        return f"config.json is of type {kind!r}, which is not that of the target {target.name!r}"
    missing = [
        f"source.{name}"
        for name in ("name", "text", "syntax", "level")
        if not isinstance(header["source"].get(name), str)
    ]
    missing += [f"shape.{name}" for name in Shape._fields if name not in header["shape"]]
    missing += ["architectures"] * (not isinstance(config.get("architectures"), list) or not config["architectures"])
    lists = [*header["names"].values(), *header["axes"].values()]
    missing += ["names or axes"] * (not all(isinstance(part, list) for part in lists))
    return f"missing or of the wrong type: {', '.join(missing)}" if missing else ""


def _json(data: Any) -> bytes:
    return (json.dumps(data, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
