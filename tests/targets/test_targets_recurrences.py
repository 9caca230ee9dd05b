"""What one step of a recurrence can do, as docs/architectures.md states it: explored to closure on the libraries' own reference recurrences."""

import pytest
import torch

from ssmc.verify.flash import ready

torch.set_num_threads(1)
SIZE = 4
HOLD, SET, CLEAR, TOGGLE = "hold", "set", "clear", "toggle"
BIT = {HOLD: lambda bit: bit, SET: lambda bit: 1, CLEAR: lambda bit: 0, TOGGLE: lambda bit: 1 - bit}
FAR = torch.tensor(128.0)


def axis(place):
    return torch.eye(SIZE)[place]


def rwkv7(state, action):
    """One head of RWKV-7: decay exp(-0.6065 sigmoid(w)), removal of sigmoid(a) of what lies along the unit key."""
    from fla.ops.generalized_delta_rule.dplr.naive import dplr_recurrence

    key = axis(0 if action == HOLD else 1)
    value = torch.full((SIZE,), 2.0 * (action == SET))
    decay = -0.6065306597126334 * torch.sigmoid(-FAR).expand(SIZE)
    parts = [key, key, value, -key, key * torch.sigmoid(FAR), decay]
    return dplr_recurrence(*(part[None, None, None] for part in parts), initial_state=state[None, None])[1][0, 0]


def delta(state, action):
    """One head of the delta rule with negative eigenvalues allowed: strength 2 sigmoid(b)."""
    from fla.ops.delta_rule.naive import delta_rule_recurrence

    key = axis(0 if action == HOLD else 1)
    beta = 2 * torch.sigmoid(FAR if action == TOGGLE else torch.tensor(0.0))
    value = torch.full((SIZE,), {SET: 2.0, TOGGLE: 1.0}.get(action, 0.0))
    shaped = [key[None, None, None], key[None, None, None], value[None, None, None], beta[None, None, None]]
    return delta_rule_recurrence(*shaped, initial_state=state[None, None])[1][0, 0]


def gla(state, action):
    """One head of GLA: gate exp(logsigmoid(z) / 16)."""
    from fla.ops.gla.naive import naive_recurrent_gla

    gate = torch.nn.functional.logsigmoid(FAR * (16 if action == HOLD else -16)) / 16
    parts = [axis(1), axis(1), torch.full((SIZE,), 2.0 * (action == SET)), torch.where(axis(1) == 1, gate, 0.0)]
    return naive_recurrent_gla(*(part[None, None, None] for part in parts), initial_state=state[None, None], output_final_state=True)[1][0, 0]  # fmt: skip


def explore(step, actions):
    """The reachable (bit, state) pairs; a state must tell its bit."""
    ready()
    start = torch.zeros(SIZE, SIZE)
    seen, queue = {(0, start.numpy().tobytes())}, [(0, start)]
    for bit, state in queue:
        assert bool((state[1] == 2.0 * bit).all())
        for action in actions:
            after = step(state.clone(), action) + 0.0
            pair = BIT[action](bit), after.numpy().tobytes()
            if pair not in seen:
                seen.add(pair)
                queue.append((pair[0], after))
            assert len(seen) < 10
    return len(seen)


@pytest.mark.parametrize(
    ("step", "actions"),
    [(gla, (HOLD, SET, CLEAR)), (rwkv7, (HOLD, SET, CLEAR)), (delta, (HOLD, SET, CLEAR)), (delta, (HOLD, SET, CLEAR, TOGGLE))],
)  # fmt: skip
def test_a_bit_is_held_and_written_exactly(step, actions):
    assert explore(step, actions) == 2


def test_a_step_of_rwkv7_has_no_eigenvalue_near_minus_one():
    """diag(w) - k (a k)^T, w in [0.545, 1], a in [0, 1], |k| = 1: real parts are at least 0.545 - 1."""
    torch.manual_seed(0)
    w = torch.exp(-0.6065306597126334 * torch.rand(4000, SIZE, dtype=torch.float64))
    k = torch.nn.functional.normalize(torch.randn(4000, SIZE, dtype=torch.float64), dim=-1)
    a = torch.rand(4000, SIZE, dtype=torch.float64).round(decimals=1)
    matrices = torch.diag_embed(w) - k[:, :, None] * (a * k)[:, None, :]
    least = torch.linalg.eigvals(matrices).real.min()
    assert float(least) >= torch.exp(torch.tensor(-0.6065306597126334, dtype=torch.float64)) - 1
    # and the bound is nearly met, along one axis
    assert float(torch.exp(torch.tensor(-0.6065306597126334)) - 1) == pytest.approx(-0.4548, abs=1e-4)


def test_a_step_of_the_delta_rule_has_real_eigenvalues_only():
    """I - beta k k^T is symmetric: 1 - beta |k|^2 along k and 1 across it, so nothing turns by a third."""
    torch.manual_seed(0)
    k = torch.nn.functional.normalize(torch.randn(500, SIZE, dtype=torch.float64), dim=-1)
    beta = 2 * torch.rand(500, dtype=torch.float64)
    values = torch.linalg.eigvals(
        torch.eye(SIZE, dtype=torch.float64) - beta[:, None, None] * k[:, :, None] * k[:, None, :]
    )
    assert float(values.imag.abs().max()) < 1e-9
    assert float(values.real.min()) >= -1 - 1e-9
