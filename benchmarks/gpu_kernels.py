"""The CUDA kernels of mamba_ssm and causal_conv1d, built from their sources for the GPU that is there; Triton without autotuning."""

from __future__ import annotations

import argparse
import re
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

FLOATS = ("float", "c10::Half", "c10::BFloat16")
BACKWARD = {
    "selective_scan_cuda": ("selective_scan.h", "SSMParamsBwd", ("selective_scan_bwd_cuda",), ("float", "c10::complex<float>")),
    "causal_conv1d_cuda": ("causal_conv1d.h", "ConvParamsBwd", ("causal_conv1d_bwd_cuda", "causal_conv1d_channellast_bwd_cuda"), FLOATS),
}  # fmt: skip
"""Extension -> header, parameters, names and weight types of its backward functions, which are left out of the build."""
SOURCES = {
    "selective_scan_cuda": "csrc/selective_scan/selective_scan.cpp csrc/selective_scan/selective_scan_fwd_fp32.cu "
    "csrc/selective_scan/selective_scan_fwd_fp16.cu csrc/selective_scan/selective_scan_fwd_bf16.cu",
    "causal_conv1d_cuda": "csrc/causal_conv1d.cpp csrc/causal_conv1d_fwd.cu csrc/causal_conv1d_update.cu",
}


def first_configuration() -> None:
    """Lets Triton take the first launch configuration that compiles; the others are not timed."""
    from triton.runtime.autotuner import Autotuner

    timed = Autotuner._bench

    def once(call: Any, quantiles: Any) -> list[float]:  # noqa: ARG001
        call()
        return [0.0] * 3

    def first(self: Any, *args: Any, config: Any, **meta: Any) -> list[float]:
        if config is self.configs[0] or getattr(self, "refused", False):
            self.do_bench = once
            found: list[float] = timed(self, *args, config=config, **meta)
            self.refused = found[0] > 0
            return found
        return [1.0] * 3

    Autotuner._bench = first


def stub(extension: str) -> str:
    """C++ that defines the backward functions of an extension, which throw."""
    header, parameters, names, weights = BACKWARD[extension]
    lines = [f"#include <{name}>" for name in ("cstdint", "stdexcept", "cuda_runtime.h", "c10/util/BFloat16.h", "c10/util/Half.h", "c10/util/complex.h")]  # fmt: skip
    lines.append(f'#include "{header}"')
    for name in names:
        lines.append(
            f"template <typename input_t, typename weight_t> void {name}({parameters} &params, cudaStream_t stream) {{"
        )
        lines.append('  throw std::runtime_error("only the forward kernels were built");\n}')
        lines += [
            f"template void {name}<{t}, {w}>({parameters} &params, cudaStream_t stream);"
            for t in FLOATS
            for w in weights
        ]
    return "\n".join(lines) + "\n"


def unpack(folder: Path, site: Path, sources: Path) -> None:
    """The wheels of a folder into `site`, its source distributions into `sources`."""
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            wheel.extractall(site)
    for path in sorted(folder.glob("*.tar.gz")):
        with tarfile.open(path) as archive:
            archive.extractall(sources, filter="data")


def build(extension: str, source: Path, out: Path) -> None:
    """Builds the forward kernels of an extension with the compiler flags of its own set-up, for the GPU's architecture alone."""
    from torch.utils.cpp_extension import load

    place = source / "backward_stub.cpp"
    place.write_text(stub(extension))
    # as in the library's setup.py, less the list of architectures; the language standard is torch's
    flags = [*re.findall(r'"(-U__CUDA[A-Z0-9_]+)"', (source / "setup.py").read_text())]
    flags = ["-O3", *dict.fromkeys(flags), "--expt-relaxed-constexpr", "--expt-extended-lambda", "--use_fast_math"]  # fmt: skip
    files = [str(source / name) for name in SOURCES[extension].split()]
    where = out / f"build-{extension}"
    where.mkdir(parents=True, exist_ok=True)
    include = [str(source / "csrc"), str(source / "csrc" / "selective_scan")]
    load(
        extension,
        [*files, str(place)],
        extra_cflags=["-O3"],
        extra_cuda_cflags=flags,
        extra_include_paths=include,
        build_directory=str(where),
        is_python_module=True,
    )
    for made in where.glob("*.so"):
        shutil.copy(made, out)


def main() -> None:
    """Builds one extension."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extension", choices=sorted(SOURCES))
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    build(options.extension, options.source.resolve(), options.out.resolve())
    print(f"built {options.extension}", flush=True)


if __name__ == "__main__":
    main()
