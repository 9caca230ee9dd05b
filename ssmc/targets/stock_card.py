"""The model card of a stock model: what its README says."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ssmc.nn.card import fence

if TYPE_CHECKING:
    from ssmc.targets.folder import StockFile


def _load(file: StockFile) -> str:
    """The lines that load tokenizer and model."""
    load = (
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")\n'
        'model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")'
    )
    if file.config["model_type"] in ("mamba", "mamba2", "recurrent_gemma"):
        return load
    return f'import fla  # flash-linear-attention, which registers the class; its kernels need a GPU\n{load}.to("cuda")'


def stock_card(file: StockFile) -> str:
    """The card in Markdown, from the header alone."""
    config, source, shape = file.config, file.source, file.shape
    text = str(source["text"]).rstrip("\n")
    rows = [
        ("Class", f"`{config['architectures'][0]}`, unmodified"),
        ("Mode", file.tokens.mode),
        ("Vocabulary", f"{config['vocab_size']} tokens: {_vocabulary(file)}"),
        ("States of the minimal automaton", len(file.automaton["delta"])),
        ("Layers that scan, blocks", f"{shape['layers']}, {shape['blocks']} ({file.note})"),
        ("Hidden size", config["hidden_size"]),
        ("Dtype", config["dtype"]),
    ]
    table = "\n".join(f"| {title} | {value} |" for title, value in rows)
    components = "\n".join(
        f"* {component['name']}: {component['kind']} with {component['size']} values"
        + (f", reads {', '.join(file.cascade['components'][j]['name'] for j in component['depends_on'])}" if component["depends_on"] else "")
        for component in file.cascade["components"]
    )  # fmt: skip
    mark = fence(text)
    return f"""# {source["name"]}

Weights of a {config["architectures"][0]} that was compiled, not trained, from a regular language ({source["syntax"]}):

{mark}
{text}
{mark}

{_says(file)}

| | |
| --- | --- |
{table}

The decomposition:

{components or "* no component: the last symbol decides"}

## Use

```python
{_load(file)}
{_use(file)}
```

## Proof

{_proof(file)}

## Limits

* Inputs are the symbols of the alphabet, after at most one start token. Other tokens are padding, which the attention mask hides.
* Adding a token, training, quantising or rounding the weights to another dtype than those proved voids the proof; `ssmc verify` makes it again.
{_limits(file)}
## Reproduce

    ssmc compile {_command(file)} --mode {file.tokens.mode} --target {file.target} --dtype {config["dtype"]} -o DIR
    ssmc verify DIR

Versions: {", ".join(f"{name} {version}" for name, version in file.versions.items())}.
"""


def _vocabulary(file: StockFile) -> str:
    tokens = file.tokens
    symbols = "256 bytes" if tokens.kind == "bytes" else f"{len(tokens.symbols)} symbols"
    return f"{symbols}, {' '.join(f'`{name}`' for name in tokens.special)}"


def _says(file: StockFile) -> str:
    if file.tokens.mode == "predict":
        return (
            "After every prefix of a word the logits are +128 for the tokens that may come next and -128 for all others; `</s>` may come where the prefix "
            "is a word. So a softmax in float32 gives an illegal token the probability 0, and every string that ends in `</s>` is in the language."
        )
    return "After every prefix the logit of `<accept>` is +128 where the prefix is in the language and -128 where not; `<reject>` has the opposite."  # fmt: skip


def _use(file: StockFile) -> str:
    if file.tokens.mode == "predict":
        return "strings = model.generate(do_sample=True, num_return_sequences=8)\nprint(tokenizer.batch_decode(strings, skip_special_tokens=True))"
    return 'tokens = tokenizer("...", return_tensors="pt").to(model.device)\nprint(tokenizer.decode(model.generate(**tokens)[0, -1]))'


def _proof(file: StockFile) -> str:
    proof = file.certificate
    if proof is None:
        return "The weights carry no proof; `ssmc verify` makes one."
    return (
        f"The product of the minimal automaton with the recurrent cache of the class ({proof['library']}, {proof['dtype']}) was explored to the end: "
        f"{proof['product_states']:,} reachable states, and after every token from every one of them all logits are bitwise what the language asks for. "
        f"So they are on inputs of every length. On all these steps no sum can round in any order (sums stay within {proof['max_magnitude']:,} units of "
        f"their lowest bit, 2^24 would be exact) and every factor of the scan is 0 or 1, so the full-sequence form computes the same numbers.\n\n"
        f"SHA-256 of the weights: `{proof['sha256']}`"
    )


def _limits(file: StockFile) -> str:
    if file.tokens.mode == "predict":
        return "* After the first illegal symbol nothing is promised. Generation that reaches its length limit leaves a prefix of a word.\n\n"
    return "\n"


def _command(file: StockFile) -> str:
    if file.source["syntax"] in ("formal", "python", "ltl") and "\n" not in file.source["text"]:
        names = file.tokens.symbols
        alphabet = f" --alphabet {shlex.quote(','.join(names) if any(len(n) > 1 for n in names) else ''.join(names))}" if names else ""  # fmt: skip
        return f"-e {shlex.quote(str(file.source['text']).rstrip())} --syntax {file.source['syntax']}{alphabet}"
    return str(file.source["name"])
