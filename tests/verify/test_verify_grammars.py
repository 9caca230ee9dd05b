"""Every star-free grammar, both modes, each dtype: lowered, checked, and proved twice."""

import pytest
import torch

from ssmc.cascade import decompose
from ssmc.errors import NotStarFreeError
from ssmc.languages import read_language, shipped_grammars
from ssmc.nn import Model
from ssmc.targets import DTYPES, lower
from ssmc.verify import prove

torch.set_num_threads(1)


@pytest.mark.parametrize("mode", ["recognise", "predict"])
@pytest.mark.parametrize("path", shipped_grammars(), ids=lambda path: path.stem)
def test_both_proofs_hold(path, mode):
    automaton = read_language(str(path)).automaton
    try:
        cascade = decompose(automaton, mode)
    except NotStarFreeError:
        return
    for dtype in DTYPES:
        weights = lower(cascade, dtype=dtype)
        model = Model.of(weights.config, weights.tensors)
        product = prove(model, automaton, cascade, proof="product")
        parts = prove(model, automaton, cascade, proof="compositional")
        assert (product.proof, parts.proof) == ("product", "compositional")
        assert product.sha256 == parts.sha256
        assert product.dtype == dtype
        assert product.product_states >= automaton.states
        assert len(weights.config["blocks"]) == cascade.depth
