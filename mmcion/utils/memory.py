"""Settings of the memory allocator."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def reuse_freed_memory() -> bool:
    """Let glibc keep freed memory for the next allocation.

    By default large tensors are returned to the kernel as soon as they are
    freed, and every step or forward pass on a CPU faults them in again, page
    by page: hundreds of thousands of faults for a small network. This costs
    a third of the time of training, more than half of that of extraction,
    and far more on virtual machines.

    The process keeps what its largest step needed, and about a tenth more:
    a step reuses freed blocks for tensors of other sizes, and parts of them
    stay unused. It does not grow from step to step. What returns some of it
    (a threshold for trimming or for mappings) costs time in every step.

    Returns:
        Whether it was done: on Linux with glibc only.
    """
    if sys.platform != 'linux':
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, 'mallopt'):  # musl
        return False
    return bool(
        libc.mallopt(_M_MMAP_MAX, 0)
        and libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    )
