"""Devices by name."""

from __future__ import annotations

import torch

from .checks import UserError


def check_device(device: str | torch.device) -> torch.device:
    """Return a device that this machine has.

    Raises:
        UserError: If it is no device, or a GPU that is not there.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise UserError(
            f'device must be cpu, cuda or cuda:N; got {device!r}.'
        ) from error
    count = torch.cuda.device_count()
    if found.type == 'cuda' and (found.index or 0) >= count:
        raise UserError(
            f'device {device} is not there: this machine has {count} GPUs '
            f'that PyTorch can use. Take cpu, or install PyTorch with CUDA.'
        )
    return found
