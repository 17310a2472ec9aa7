"""Where the network runs: the device, its memory format, whether bf16 pays there, and work that a GPU repeats by itself."""

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # calls before the work is recorded: libraries set themselves up, and torch.compile translates


def best_device() -> torch.device:
    """CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def gains_from_bf16(device: torch.device) -> bool:
    """Whether bf16 autocast is faster there: CUDA with bf16 units, CPUs with AMX or AVX512-BF16.

    On a CPU without such units bf16 is emulated, and several times slower than fp32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    tests = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # absent from older torch: then assume no
    return any(getattr(torch.cpu, name, lambda: False)() for name in tests)


def best_memory_format(device: torch.device) -> torch.memory_format:
    """The memory format to run the network in: channels_last, but not on MPS, where its gradients are wrong
    (pytorch issue 175189)."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


class Recorded:
    """Work without arguments that a CUDA GPU repeats without asking Python: after a few calls it becomes one graph.

    work: reads and writes the same tensors at each call, draws from `generator` only, never waits for the GPU, and returns a
    tensor; its Python code runs while it warms up and once to be recorded. Each call does the work once and returns a fresh
    copy of the result. A thousand small kernels then cost what they compute, not what it takes to launch them.
    """

    def __init__(self, work: Callable[[], Tensor], generator: torch.Generator):
        self.work, self.generator = work, generator
        self.calls, self.graph, self.stream = 0, None, torch.cuda.Stream()

    def __call__(self) -> Tensor:
        if self.graph is None and self.calls < WARM_UP:
            self.calls += 1
            self.stream.wait_stream(torch.cuda.current_stream())  # recording wants what was made on a stream of its own
            with torch.cuda.stream(self.stream):
                self.result = self.work()
            torch.cuda.current_stream().wait_stream(self.stream)
            return self.result.clone()
        if self.graph is None:
            graph = torch.cuda.CUDAGraph()
            graph.register_generator_state(self.generator)
            with torch.cuda.graph(graph):
                self.result = self.work()
            self.graph = graph
        self.graph.replay()
        return self.result.clone()
