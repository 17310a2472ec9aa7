"""Where the network runs: the device, its memory format, and whether bf16 pays there."""

import torch


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


def layout(device: torch.device) -> torch.memory_format:
    """The memory format to run the network in: channels_last, but not on MPS, where its gradients are wrong
    (pytorch issue 175189)."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last
