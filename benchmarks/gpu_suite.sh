#!/usr/bin/env bash
# Run what needs a GPU, the most important part first, in eight minutes.
#     benchmarks/gpu_suite.sh [--dry-run]
# Writes the result of each part to $OUT/results.jsonl as it ends, and its
# output to $OUT/PART.log. A part that fails or takes longer than its limit
# does not stop the others; the exit code is then 1. --dry-run runs each part
# on the CPU with tiny sizes.
# OUT is work_dirs/gpu_suite and PYTHON that of .venv unless they are set.
set -uo pipefail
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] && python=.venv/bin/python || python=python3
PYTHON=${PYTHON:-$python}
OUT=${OUT:-work_dirs/gpu_suite}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
mkdir -p "$OUT"
: >"$OUT/results.jsonl"
dry=
[ "${1:-}" = --dry-run ] && dry=yes
failed=()

# NAME, LIMIT in seconds, SCRIPT, its arguments on a GPU, and on a CPU
part() {
    local name=$1 limit=$2 script=$3 arguments=$4 result= code began=$SECONDS
    # a CPU may be slow, or busy
    [ -n "$dry" ] && arguments=$5 limit=$((limit * 10))
    printf '\n== %s, at most %d s: %s %s\n' "$name" "$limit" "$script" "$arguments"
    # shellcheck disable=SC2086
    timeout -k 5 "$limit" "$PYTHON" "benchmarks/$script" $arguments 2>&1 |
        tee "$OUT/$name.log"
    code=${PIPESTATUS[0]}
    if [ "$code" = 0 ]; then
        result=$(grep '^{' "$OUT/$name.log" | tail -n 1)
    else
        failed+=("$name ($code)")
    fi
    printf '{"part": "%s", "exit": %d, "seconds": %d, "result": %s}\n' \
        "$name" "$code" $((SECONDS - began)) "${result:-null}" >>"$OUT/results.jsonl"
}

steps="--workers $(nproc) --crops device --warmup 8"
tiny="--device cpu --crops device"
# ours against the authors' formulation: images/s, MFU, memory
part step 150 bench_step.py "$steps --steps 32" "$tiny"
# exact search of level 3, for the identities of LUPerson-NL
part level3 60 bench_neighbours.py "--vectors 434000 --no-faiss" \
    "--vectors 2000 --dim 16"
part resume 65 bench_resume.py \
    "--workers 4 --crops device --no-compile --warmup 1 --steps 8" "$tiny"
part loss 30 bench_loss.py \
    "--device cuda --batch 120 --prototypes 65336 --chunk-size 8192 --repeats 5" \
    "--batch 8 --num-instances 2 --prototypes 64 --chunk-size 32 --repeats 1"
part crops 30 bench_pipeline.py "--device cuda --batch 120 --rounds 1" \
    "--images 8 --batch 4 --rounds 1"
part fp16 60 bench_step.py "$steps --steps 16 --no-plain --precision fp16" \
    "$tiny --no-plain --precision fp32"
part eager 45 bench_step.py "$steps --steps 16 --no-plain --no-compile" \
    "$tiny --no-plain --no-compile"
part sync_bn 30 bench_sync_bn.py "--device cuda" "--batch 4 --depth 18"

printf '\nResults are in %s/results.jsonl, after %d s.\n' "$OUT" "$SECONDS"
if ((${#failed[@]})); then
    printf 'Failed, with exit code (124: too long): %s\n' "${failed[*]}"
    exit 1
fi
