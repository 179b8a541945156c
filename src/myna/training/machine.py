"""What there is to compute with: device, threads, and the precision that is faster here, measured."""

import math
import os
import re
import shutil
import sys
import time
from pathlib import Path

import torch
from torch import nn

_MEMORY = ("/proc/meminfo", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")
_WORTH_COMPILING = 200.0
"""Seconds."""


def pick_device(rank: int = 0) -> str:
    """`cuda:N` where there is a GPU, else `cpu`."""
    return f"cuda:{rank % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu"


def threads_here(processes: int = 1) -> int:
    """Threads for one of `processes` on this machine: MYNA_THREADS, else its share of the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return int(os.environ.get("MYNA_THREADS", "0") or 0) or max(cores // max(processes, 1), 1)


def available_memory(device: str) -> float:
    """Bytes that a run could take now: of the GPU, or of main memory within this process's limits. Infinite where the
    system does not tell."""
    if device != "cpu":
        return float(torch.cuda.mem_get_info(device)[0])
    found = [math.inf]
    meminfo, limit, used = (Path(path) for path in _MEMORY)
    if meminfo.exists() and (free := re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())):
        found.append(float(free[1]) * 1024)
    if limit.exists() and used.exists() and (most := limit.read_text().strip()) != "max":
        found.append(max(float(most) - float(used.read_text()), 0.0))
    return min(found)


def set_threads(threads: int) -> None:
    """Sets how many threads torch uses in this thread, and in those that have not used it yet."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def peak_memory() -> int:
    """The most bytes of memory this process has held at once; 0 where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # Linux counts in KiB


def faster_precision(device: str) -> str:
    """`bfloat16` or `float32`: on a GPU the former; on a CPU whichever multiplies faster, timed for some milliseconds.

    Flags do not tell: bf16 runs on every CPU, ten times faster with AMX, slower than fp32 without AVX-512.
    """
    if device != "cpu":
        return "bfloat16"
    set_threads(1)  # several wait for each other where the machine is shared, and measure that
    wide, narrow = (_seconds(kind) for kind in (torch.float32, torch.bfloat16))
    # What is gained in products must pay for the conversions around them.
    return "bfloat16" if narrow * 1.3 < wide else "float32"


def _seconds(kind: torch.dtype) -> float:
    a, b = torch.ones(1024, 256, dtype=kind), torch.ones(256, 768, dtype=kind)
    torch.mm(a, b)
    timings = []
    for _ in range(12):
        began = time.perf_counter()
        torch.mm(a, b)
        timings.append(time.perf_counter() - began)
    return min(timings)


def compiling(seconds: float, device: str) -> bool:
    """Whether to try a compiled model in a run of this length: MYNA_COMPILE 1 or 0 says; else on a CPU with a C++
    compiler, where a run is long enough to win back the ten to forty seconds it takes."""
    if said := os.environ.get("MYNA_COMPILE", ""):
        return said == "1"
    return device == "cpu" and seconds >= _WORTH_COMPILING and any(map(shutil.which, ("c++", "g++", "clang++")))


def compile_layers(model: nn.Module) -> None:
    """Compiles the repeated layers of a model, once for all of them: what is done beside the matrix products takes a
    third of the time, and the whole model would take several times as long to compile. Needs a C++ compiler."""
    for part in model.modules():
        if isinstance(part, nn.ModuleList):
            for layer in part:
                layer.compile(dynamic=False)
