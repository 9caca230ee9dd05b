"""What stands beside the weights of a stock model and is read when it is used: the tokenizer, and the tokens that start, end and pad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssmc.errors import ModelFileError, VerificationError

if TYPE_CHECKING:
    from ssmc.targets.folder import StockFile


def check_folder(path: str, file: StockFile) -> None:
    """Checks that strings become the tokens that the proof speaks of, and that generation starts and ends with its tokens.

    Args:
        path: the folder.
        file: its contents.

    Raises:
        ModelFileError: a file is missing or damaged.
        VerificationError: the tokenizer is another one, or another token starts, ends or pads a string.
        UsageError: the tokenizer library is not installed.
    """
    from ssmc.targets.tokenizer import tokenizer_files

    wanted = tokenizer_files(file.tokens)
    if _tokenizer(path, _read(path, "tokenizer.json")) != _tokenizer(path, wanted["tokenizer.json"]):
        raise VerificationError(f"{path}: tokenizer.json is not the tokenizer of these symbols")
    _compare(path, "tokenizer_config.json", json.loads(wanted["tokenizer_config.json"]))
    for name in ("config.json", "generation_config.json"):
        _compare(path, name, file.tokens.config())


def check_names(path: str, file: StockFile, model: Any) -> None:
    """Checks that the folder has every tensor of the class, and no other: `from_pretrained` makes up what is missing.

    Raises:
        ModelFileError: it has not.
    """
    own, asked = set(file.tensors), set(model.state_dict())
    if asked != own:
        what = f"lacks {min(asked - own)}" if asked - own else f"has {min(own - asked)}, which the class does not know"
        raise ModelFileError(f"{path}: model.safetensors {what}")


def _read(path: str, name: str) -> bytes:
    try:
        return (Path(path) / name).read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path}: {name}: {error.strerror or 'cannot be read'}") from error


def _tokenizer(path: str, data: bytes) -> str:
    """The tokenizer as the installed library writes it, whichever version wrote it."""
    from tokenizers import Tokenizer

    try:
        text: str = Tokenizer.from_str(data.decode("utf-8")).to_str()
    except Exception as error:  # the library raises no narrower class
        raise ModelFileError(f"{path}: tokenizer.json is damaged: {' '.join(str(error).split())[:200]}") from error
    return text


def _compare(path: str, name: str, wanted: dict[str, Any]) -> None:
    """Compares some keys of a JSON file."""
    try:
        found = json.loads(_read(path, name))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: {name} is damaged: {' '.join(str(error).split())[:200]}") from error
    for key, value in wanted.items():
        if not isinstance(found, dict) or found.get(key) != value:
            raise VerificationError(f"{path}: {name} does not say {key} = {json.dumps(value)}")
