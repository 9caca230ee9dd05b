"""The tokenizer of a stock model: one token a symbol, written as the `tokenizers` library reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ssmc.errors import UsageError

if TYPE_CHECKING:
    from ssmc.targets.vocabulary import Vocabulary


def tokenizer_files(vocabulary: Vocabulary) -> dict[str, bytes]:
    """`tokenizer.json` and `tokenizer_config.json`.

    Text languages are read byte by byte, symbols of one character character by character, others between white space. Every string gets the
    start token in front. Text that spells a special token is text. A symbol outside the alphabet is an error.

    Raises:
        UsageError: the library is not installed.
    """
    try:
        from tokenizers.processors import TemplateProcessing
    except ImportError as error:
        raise UsageError(f"stock models need tokenizers: pip install 'ssm-compiler[mamba]' ({error})") from error
    tokenizer = _bytes(vocabulary) if vocabulary.kind == "bytes" else _words(vocabulary)
    start = _name(vocabulary, "bos")
    tokenizer.post_processor = TemplateProcessing(
        single=f"{start} $A", pair=f"{start} $A $B", special_tokens=[(start, vocabulary.id("bos"))]
    )
    tokenizer.add_special_tokens(list(vocabulary.special))
    ends = ["eos"] if vocabulary.mode == "predict" else ["accept"]
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": _name(vocabulary, "bos"),
        "eos_token": _name(vocabulary, ends[0]),
        "pad_token": _name(vocabulary, "pad"),
        "padding_side": "left",
        "split_special_tokens": True,
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
    }
    return {
        "tokenizer.json": (tokenizer.to_str(pretty=True) + "\n").encode(),
        "tokenizer_config.json": (json.dumps(config, indent=1, sort_keys=True) + "\n").encode(),
    }


def _name(vocabulary: Vocabulary, role: str) -> str:
    return vocabulary.special[vocabulary.roles.index(role)]


def _bytes(vocabulary: Vocabulary) -> Any:
    """Byte level: every byte is one token, named by the printable character that stands for it there."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    names = [*_byte_names(), *vocabulary.names[256:]]
    tokenizer = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _byte_names() -> list[str]:
    """The characters by which byte-level tokenizers name the bytes: printable Latin-1 as it is, the others from U+0100 on, in order."""
    plain = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(b if b in plain else next(others)) for b in range(256)]


def _words(vocabulary: Vocabulary) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({name: i for i, name in enumerate(vocabulary.names)}))
    if all(len(name) == 1 for name in vocabulary.symbols):
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
        tokenizer.decoder = decoders.Fuse()
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer
