import subprocess
import sys

import pytest

# Faults of filling 64 MiB anew, after the same was filled and freed.
COUNT_FAULTS = """
import resource, sys
import numpy as np
from mmcion.utils.memory import reuse_freed_memory

def fill():
    np.ones(1 << 23)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == 'reuse':
    assert reuse_freed_memory()
fill()
before = faults()
fill()
print(faults() - before)
"""


@pytest.mark.skipif(sys.platform != 'linux', reason='glibc only')
def test_freed_memory_is_not_faulted_in_again():
    counts = {}
    for how in ('default', 'reuse'):
        result = subprocess.run(
            [sys.executable, '-c', COUNT_FAULTS, how],
            capture_output=True,
            text=True,
            check=True,
        )
        counts[how] = int(result.stdout)
    assert counts['reuse'] < counts['default'] / 2
