"""Without a GPU the Triton kernels themselves run in Triton's interpreter; it must be chosen before triton is imported."""

import os
import pathlib

if not pathlib.Path("/dev/nvidiactl").exists():
    os.environ.setdefault("TRITON_INTERPRET", "1")
