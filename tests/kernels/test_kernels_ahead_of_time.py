"""Every kernel compiles for sm_80 and sm_90 within a block's shared memory, without a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
SHARED = {80: 163 * 1024, 90: 227 * 1024}
STATIC = 48 * 1024
"""What a block may have where its code itself has some; Triton asks for more only where what it allots at the launch is more."""


@pytest.mark.parametrize("capability", SHARED)
def test_kernels_fit(capability: int) -> None:
    script = Path(__file__).with_name("ahead_of_time.py")
    done = subprocess.run(
        [sys.executable, str(script), str(capability)],
        capture_output=True, text=True, check=False, env={**os.environ, "TRITON_INTERPRET": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) >= 3
    assert any(row["static"] for row in rows)
    for row in rows:
        assert row["shared"] <= SHARED[capability], row
        assert row["static"] == 0 or row["static"] + row["shared"] <= STATIC, row
        assert row["registers"] <= 255, row
        assert row["spilled"] <= 1024, row
