"""The targets whose gates reach 0 and 1 exactly in the classes of transformers and flash-linear-attention, beside Mamba."""

from __future__ import annotations

from ssmc.targets.interface import Target
from ssmc.targets.weights import LIMITS

DTYPES = tuple(LIMITS)
RESETS = frozenset({"reset", "window"})
FLA = "flash-linear-attention"
WINDOW = frozenset({"window"})

ARCHITECTURES = (
    Target(
        name="recurrentgemma",
        summary="RecurrentGemmaForCausalLM of transformers, unmodified: exact in every dtype",
        gates="non-negative",
        kinds=RESETS,
        module="ssmc.targets.recurrentgemma",
        dtypes=DTYPES,
        form="stock",
        library="transformers",
        conv_width=4,
        costly=WINDOW,
        limits=(("recurrentgemma", "counter", "where its gate is 1, the factor sqrt(1 - gate^2) of its input is 0"),),
    ),
    Target(
        name="gla",
        summary="GLAForCausalLM of flash-linear-attention, unmodified: two blocks a layer, exact in every dtype",
        gates="non-negative",
        kinds=RESETS,
        module="ssmc.targets.gla",
        dtypes=DTYPES,
        form="stock",
        library=FLA,
        conv_width=4,
        costly=WINDOW,
        limits=(("gla", "counter", "a norm follows each head, and it divides a count by its own size"),),
    ),
    Target(
        name="hgrn2",
        summary="HGRN2ForCausalLM of flash-linear-attention, unmodified: exact in every dtype",
        gates="non-negative",
        kinds=RESETS,
        module="ssmc.targets.hgrn2",
        dtypes=DTYPES,
        form="stock",
        library=FLA,
        conv_width=4,
        costly=WINDOW,
        limits=(("hgrn2", "counter", "its key is 1 - gate, so where the gate is 1 nothing is added"),),
    ),
    Target(
        name="rwkv6",
        summary="RWKV6ForCausalLM of flash-linear-attention, unmodified: exact in every dtype",
        gates="non-negative",
        kinds=RESETS,
        module="ssmc.targets.rwkv6",
        dtypes=DTYPES,
        form="stock",
        library=FLA,
        conv_width=2,
        limits=(("rwkv6", "counter", "a norm follows each head, and it divides a count by its own size"),),
    ),
    *(
        Target(
            name=name,
            summary=f"{kind} of flash-linear-attention, unmodified: toggles by beta = 2, exact in every dtype",
            gates="signed",
            kinds=RESETS | {"swap"},
            module=module,
            dtypes=DTYPES,
            form="stock",
            library=FLA,
            conv_width=4,
            costly=WINDOW,
            limits=((name, "counter", "what a key adds, it first takes away"),),
        )
        for name, kind, module in (
            ("deltanet", "DeltaNetForCausalLM", "ssmc.targets.deltanet"),
            ("gated-deltanet", "GatedDeltaNetForCausalLM", "ssmc.targets.gated_deltanet"),
        )
    ),
)
"""Each is proved per model on the recurrent cache of its class."""
