"""Compiles the kernels for GPUs that are not here: `python ahead_of_time.py 80 90` prints one JSON line a kernel.

Runs in a process of its own, since Triton's interpreter is chosen when triton is imported.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ssmc.kernels import bit_chunks, maps, scans
from ssmc.kernels.bit_tables import Places
from ssmc.kernels.fused import STAGED_LIMIT, Cut
from ssmc.kernels.launch import plan

PTXAS = next(Path(triton.__file__).parent.glob("backends/nvidia/bin/ptxas"))
ONE = Places(1, 1, -1, (1,), (0,), 64)
"""One bit that no symbol resets."""
EVERY = Places(-1, 4, -1, (-1,), (0,), 256)
"""As many as there can be, for 256 symbols."""
WORDS = {"real": "fp32", "pair": "i32", "complex": "i64"}


def compile_for(capability: int, name: str, kernel: object, types: dict, constants: dict, options: dict) -> dict:
    """Registers, spilled bytes and shared memory of one kernel: what Triton asks for at the launch, and what the code itself has (`staging.room`)."""
    names = kernel.arg_names
    signature = {n: types.get(n, "constexpr") for n in names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if signature[n].startswith("*")}
    values = {(i,): constants[n] for i, n in enumerate(names) if n in constants}
    source = ASTSource(kernel, signature, values, aligned)
    built = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "kernel.ptx"
        text.write_text(built.asm["ptx"])
        suffix = "a" if capability == 90 else ""
        report = subprocess.run(
            [str(PTXAS), "-v", f"-arch=sm_{capability}{suffix}", str(text), "-o", f"{folder}/kernel.cubin"],
            capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip
    return {
        "kernel": name,
        "capability": capability,
        "registers": int(re.search(r"Used (\d+) registers", report)[1]),
        "spilled": sum(map(int, re.findall(r"(\d+) bytes spill", report))),
        "shared": built.metadata.shared,
        "static": sum(map(int, re.findall(r"(\d+) bytes smem", report))),
    }


def scan_case(capability: int, rows: int, steps: int, width: int, kind: str, backward: bool) -> dict:
    """The general scan as `plan` cuts it for a shape (width in words)."""
    how = plan(rows, steps, width, kind, torch.float32, backward=backward)
    kernel = scans.scan_tiles if how.window else scans.scan_rows
    data = "*" + WORDS[kind]
    types = dict.fromkeys(("a_ptr", "b_ptr", "h_ptr", "past_ptr", "ga_ptr"), data)
    types |= dict.fromkeys(("initial_ptr", "final_ptr", "begin_ptr"), "*fp32") | {"slots_ptr": "*i32"}
    types |= dict.fromkeys(("T", "FIRST", "COUNT", "ONE", "ND", "NS", "NT"), "i32")
    runs = 32 * how.warps if how.channels == width else how.tile
    size = how.tile * how.channels * (8 if kind == "complex" else 4) // runs
    constants = {
        "D": width, "KIND": kind, "HALF": tl.bfloat16 if kind == "pair" else tl.float32, "TYPE": tl.float32,
        "WORD": tl.int32, "REVERSE": backward, "EXCLUSIVE": False, "BACKWARD": backward, "R": how.steps,
        "NG": how.groups, "BD": how.channels, "W": how.window, "WHOLE": True, "FULL": width % how.channels == 0,
        "STAGES": how.stages, "AHEAD": 0 if backward or capability < 90 or size % 16 else how.ahead, "RUNS": runs, "PTX": True, "PDL": capability >= 90,
        "ASM": f"cp.async.bulk.prefetch.L2.global [$1], {size}; mov.u32 $0, 0;",
    }  # fmt: skip
    options = {"num_warps": how.warps} | ({"maxnreg": how.registers} if how.registers else {})
    name = f"{kernel.__name__} {kind} {rows}x{steps}x{width}{' backward' if backward else ''}"
    return compile_for(capability, name, kernel, types, constants, options)


def bits_case(
    capability: int,
    kernel: object,
    half: int,
    strings: str,
    depth: int = 1,
    never: Places = ONE,
    *,
    full: bool = False,
) -> dict:
    """A kernel of packed bits; with more layers than one, each reads three bits below it; `never` tells the fields that none resets.

    full: its tables are the largest that are staged.
    """
    cut = Cut(parts=1 if half == 64 else 2)
    word = "*i64" if half == 64 else "*i32"
    names = ("entry_ptr", "starts_ptr", "final_ptr", "end_ptr", "keeps_ptr", "adds_ptr", "early_ptr")
    types = dict.fromkeys(names, word) | {"tokens_ptr": "*i32", "out_ptr": "*i32", "done_ptr": "*i32"}
    types |= (
        dict.fromkeys(("classes_ptr", "output_ptr"), "*u8")
        | {"sums_ptr": "*i32" if never.size == 4 else "*u8"}
        | {"tables_ptr": "*i32" if half == 16 else "*i64"}
    )
    types |= dict.fromkeys(("FIRST", "COUNT", "LENGTH", "NT", "TILES", "TRUTH"), "i32")
    owns = tuple(15 << (4 * d) for d in range(depth))
    constants = {
        "NG": cut.threads, "PARTS": cut.parts, "CHUNKS": 1024, "DEPTH": depth, "LAYER": depth - 1,
        "READS": (0, *(3,) * (depth - 1)), "OFFSETS": tuple(2048 * d for d in range(depth)),
        "SIZES": (256, *(2048,) * (depth - 1)), "OWNS": owns, "KNOWN": tuple(sum(owns[: d + 1]) for d in range(depth)),
        "HALF": half, "TOPS": -1, "SYMBOLS": 256, "OUT": "bytes",
        "TOLD": "before" if strings != "none" else "truth" if depth == 1 else "after", "OUT_READS": 4,
        "OUT_ROW": 256 if strings != "none" else 1, "OUT_WORDS": 1024, "OUT_COPIES": int(strings != "none" or depth > 1),
        "STRINGS": strings, "STARTS": strings != "none", "FINAL": strings != "none", "WHOLE": True,
        "ASM": True,
        "ENTRIES": 256 if depth == 1 else 2048 * depth, "COPIES": 8 // (half // 16) if depth == 1 else 1,
        "PDL": capability >= 90,
    }  # fmt: skip
    if full:
        size = STAGED_LIMIT - 4 * constants["OUT_WORDS"] * constants["OUT_COPIES"] * (kernel is bit_chunks.run_chunks)
        constants |= {"ENTRIES": size // (4 if half == 16 else 8), "COPIES": 1}
    constants |= (never if strings == "none" else Places()).constants()
    name = f"{kernel.__name__} {half} bits {strings} {depth} layers{' full' if full else ''}"
    return compile_for(capability, name, kernel, types, constants, {"num_warps": cut.warps})


def maps_case(capability: int) -> dict:
    """The maps of chunks of an automaton with 16 states."""
    types = {"text_ptr": "*i32", "table_ptr": "*i64", "maps_ptr": "*i64"}
    constants = {"N": 16, "STATES": 16, "NG": 32, "NIBBLES": True}
    return compile_for(capability, "chunk_maps 16", maps.chunk_maps, types, constants, {"num_warps": 4})


def cases(capability: int) -> list[dict]:
    """The kernels as shipped, at the shapes of the benchmarks; a few of them for the older GPU."""
    if capability < 90:
        return [
            scan_case(capability, 1, 2**22, 16, "real", False),
            scan_case(capability, 64, 4096, 256, "real", False),
            bits_case(capability, bit_chunks.run_chunks, 16, "none"),
        ]
    found = [
        scan_case(capability, 1, 2**22, 16, "real", False),
        scan_case(capability, 64, 4096, 256, "real", False),
        scan_case(capability, 64, 4096, 256, "real", True),
        scan_case(capability, 1, 2**22, 8, "pair", False),
        scan_case(capability, 64, 4096, 128, "pair", False),
        scan_case(capability, 1, 2**20, 16, "complex", False),
    ]
    return [
        *found,
        bits_case(capability, bit_chunks.reduce_chunks, 16, "none", 2),
        bits_case(capability, bit_chunks.reduce_chunks, 16, "none", never=Places()),
        bits_case(capability, bit_chunks.reduce_chunks, 32, "none", never=EVERY),
        bits_case(capability, bit_chunks.deepen_chunks, 16, "none", 2),
        bits_case(capability, bit_chunks.run_chunks, 32, "long"),
        bits_case(capability, bit_chunks.run_chunks, 16, "none", 2),
        bits_case(capability, bit_chunks.run_chunks, 64, "none"),
        bits_case(capability, bit_chunks.run_chunks, 64, "none", 2, full=True),
        bits_case(capability, bit_chunks.reduce_chunks, 64, "none", 2, EVERY, full=True),
        maps_case(capability),
    ]


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        for case in cases(int(argument)):
            sys.stdout.write(json.dumps(case) + "\n")
            sys.stdout.flush()
