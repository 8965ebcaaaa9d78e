import json
import os
import re
import subprocess

import pytest

from .tool_utils import ROOT


def run_suite(folder, *arguments, **environ):
    """Return the exit code, the output and the results."""
    done = subprocess.run(
        ['bash', ROOT / 'benchmarks/gpu_suite.sh', *arguments],
        env={**os.environ, 'OUT': str(folder), **environ},
        capture_output=True,
        text=True,
    )
    lines = (folder / 'results.jsonl').read_text().splitlines()
    return done.returncode, done.stdout, [json.loads(line) for line in lines]


def test_parts_that_fail_are_named_and_stop_nothing(tmp_path):
    code, output, results = run_suite(tmp_path, PYTHON='false')
    assert code == 1
    names = [result['part'] for result in results]
    assert len(names) == 8
    assert all(result['result'] is None for result in results)
    last = output.splitlines()[-1]
    assert all(f'{name} (1)' in last for name in names)
    limits = re.findall(r'at most (\d+) s', output)
    assert len(limits) == 8
    assert sum(map(int, limits)) <= 480


@pytest.mark.slow
def test_every_part_runs_on_the_cpu(tmp_path):
    code, output, results = run_suite(tmp_path, '--dry-run')
    assert code == 0, output
    found = {result['part']: result['result'] for result in results}
    assert None not in found.values()
    assert found['step']['speedup'] > 0
    assert 'speedup' not in found['fp16']
    assert found['level3']['wrong_counts'] == 0
    assert found['level3']['pairs_found'] > 0
    assert found['resume']['identical']
    assert found['sync_bn']['compared'] > 60
