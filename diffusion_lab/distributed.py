"""Training with several processes at once: torchrun --nproc-per-node=2 -m diffusion_lab train ...

All processes draw the same batches from the same seed, and each works on its share. Their gradients are averaged
(DistributedDataParallel), so all weights stay equal. One process writes. Without torchrun there is one process, and nothing
here does anything. BatchNorm sees the share of its process, not the whole batch.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


@contextmanager
def together(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that torchrun started, with gloo on CPUs and NCCL on GPUs; leave them at the end.

    Gives the device of this process: with GPUs one each. Without torchrun it gives `device`.
    """
    if "RANK" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_writer() -> bool:
    """Whether this process is the one that writes files and speaks."""
    return not dist.is_initialized() or dist.get_rank() == 0


def share(batch: Tensor) -> Tensor:
    """This process's rows of a batch that all have."""
    return batch[dist.get_rank() :: world()] if world() > 1 else batch


def wrap(model: torch.nn.Module) -> torch.nn.Module:
    """The network to call in training: it averages the gradients of all processes. Alone, it is the network itself."""
    return torch.nn.parallel.DistributedDataParallel(model) if world() > 1 else model


def mean_of_all(value: float) -> float:
    """The mean of a number over all processes."""
    if world() == 1:
        return value
    values = [None] * world()
    dist.all_gather_object(values, value)
    return sum(values) / len(values)


def wait_for_all():
    """Return when all processes are here."""
    mean_of_all(0.0)
