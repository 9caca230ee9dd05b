"""Reading and writing the forms of a model file; writing is atomic, reading trusts nothing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssmc.errors import InputError, ModelFileError, UsageError
from ssmc.nn.card import model_card
from ssmc.nn.file import ModelFile, _line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssmc.nn.model import Model

METADATA = "ssmc"
"""The one metadata key of a safetensors file; several would be written in random order."""
FOLDER = ("config.json", "model.safetensors", "README.md")


def save_model(path: str | os.PathLike[str], file: ModelFile) -> None:
    """Writes a model file; the suffix chooses the form: `.pt`, `.safetensors`, or none for a folder.

    The data go to a temporary name in the same folder, which is then renamed: after a failure the old file, or nothing, is there.

    Raises:
        UsageError: another suffix.
        InputError: it cannot be written.
    """
    target = Path(path)
    try:
        if target.suffix == ".pt":
            _replace(target, _to_pt(file))
        elif target.suffix == ".safetensors":
            _replace(target, _to_safetensors(file))
        elif target.suffix == "" or target.is_dir():
            _replace_folder(target, _to_folder(file))
        else:
            raise UsageError(f"{path}: a model file ends in .pt or .safetensors; a folder has no suffix")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def read_file(path: str | os.PathLike[str]) -> ModelFile:
    """The contents of a model file, in any form, without building the module.

    Raises:
        ModelFileError: it cannot be read, is damaged, would run code, or is of another version; one line.
    """
    source = Path(path)
    try:
        if source.is_dir():
            header = json.loads((source / FOLDER[0]).read_text(encoding="utf-8"))
            tensors = _of_safetensors((source / FOLDER[1]).read_bytes())[1]
        else:
            data = source.read_bytes()
            header, tensors = _of_pt(data) if data[:2] == b"PK" else _of_safetensors(data)
        if not isinstance(header, dict):
            raise ModelFileError("this is not a model file of ssmc")
        return ModelFile.of(header, tensors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error.message}") from error
    except OSError as error:
        raise ModelFileError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: damaged: {_line(error)}") from error


def load_model(path: str | os.PathLike[str]) -> Model:
    """The module of a model file, in evaluation mode.

    Raises:
        ModelFileError: as `read_file`.
    """
    file = read_file(path)
    try:
        return file.build()
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error.message}") from error


def _plain(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in sorted(tensors.items())}


def _to_pt(file: ModelFile) -> bytes:
    # through a buffer: torch writes the name of the file into the archive otherwise
    buffer = io.BytesIO()
    torch.save({**file.header(), "tensors": _plain(file.tensors)}, buffer)
    return buffer.getvalue()


def _of_pt(data: bytes) -> tuple[Any, dict[str, torch.Tensor]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        # whatever a damaged or hostile archive makes the reader raise: nothing of it was executed
        kind = type(error).__name__
        raise ModelFileError(f"damaged, or holds more than plain data and tensors ({kind})") from error
    if not isinstance(content, dict) or not isinstance(content.get("tensors"), dict):
        raise ModelFileError("this is not a model file of ssmc")
    tensors = content.pop("tensors")
    return content, tensors


def _to_safetensors(file: ModelFile) -> bytes:
    from safetensors.torch import save

    data: bytes = save(_plain(file.tensors), {METADATA: json.dumps(file.header(), sort_keys=True)})
    return data


def _to_folder(file: ModelFile) -> dict[str, bytes]:
    config = json.dumps(file.header(), sort_keys=True, indent=1) + "\n"
    return dict(zip(FOLDER, (config.encode(), _to_safetensors(file), model_card(file).encode()), strict=True))


def _of_safetensors(data: bytes) -> tuple[Any, dict[str, torch.Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
        header = json.loads(metadata[METADATA])
    except (SafetensorError, KeyError, ValueError, RecursionError) as error:
        raise ModelFileError("damaged, or not a model file of ssmc") from error
    return header, tensors


def _replace(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.absolute().parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def write_folder(path: str | os.PathLike[str], contents: Mapping[str, bytes]) -> None:
    """Writes a folder with these files and no others; after a failure the old one, or nothing, is there.

    Raises:
        InputError: it cannot be written, or something else is there.
    """
    target = Path(path)
    try:
        _replace_folder(target, contents)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error


def _replace_folder(target: Path, contents: Mapping[str, bytes]) -> None:
    if target.exists() and not (target.is_dir() and {entry.name for entry in target.iterdir()} <= set(contents)):
        raise InputError(f"{target}: exists and holds other things than a model")
    target = target.absolute()
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    aside = made.with_name(made.name + ".old")
    try:
        for name, data in contents.items():
            (made / name).write_bytes(data)
        made.chmod(0o777 & ~_umask())
        if target.exists():
            os.rename(target, aside)
        os.rename(made, target)
    except BaseException:
        if aside.exists() and not target.exists():
            os.rename(aside, target)
        shutil.rmtree(made, ignore_errors=True)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
