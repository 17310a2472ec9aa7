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
def join_processes(device: torch.device) -> Iterator[torch.device]:
    """Join the processes that torchrun started, with gloo on CPUs and NCCL on GPUs; leave them at the end.

    Gives the device of this process: with GPUs one each. Without torchrun it gives `device`. ValueError if they cannot meet
    there.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield device
        return
    if device.type == "mps" or (device.type == "cuda" and not dist.is_nccl_available()):
        raise ValueError(f"Several processes cannot train on {device.type} here: add --device cpu.")
    if device.type == "cuda":
        here = int(os.environ["LOCAL_RANK"])
        if here >= torch.cuda.device_count():
            few = f"There are {torch.cuda.device_count()} GPUs for more processes than that"
            raise ValueError(f"{few}: start as many processes as GPUs, or add --device cpu.")
        device = torch.device("cuda", here)
        torch.cuda.set_device(device)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _joined() else 1


def is_writer() -> bool:
    """Whether this process is the one that writes files and speaks."""
    return not _joined() or dist.get_rank() == 0


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


def largest_of_all(value: int) -> int:
    """The largest of the numbers that all processes give; it does not wait for GPUs."""
    if world() == 1:
        return value
    largest = torch.tensor(value)
    dist.all_reduce(largest, dist.ReduceOp.MAX)
    return int(largest)


def wait_for_all():
    """Return when all processes are here."""
    if world() > 1:
        dist.barrier()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()  # some builds of torch come without torch.distributed
