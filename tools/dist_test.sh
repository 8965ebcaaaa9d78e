#!/usr/bin/env bash
# Test on several GPUs of one machine (or CPU ranks, where there is none).
#   bash tools/dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES [options of tools/test.py]
# CHECKPOINT may be none, for the network as it is initialised.
# PORT (29501) must differ between runs on one machine; PYTHON is the
# interpreter.
set -euo pipefail
CONFIG=${1:?usage: dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES [options]}
CHECKPOINT=${2:?usage: dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES [options]}
PROCESSES=${3:?usage: dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES [options]}
"${PYTHON:-python}" -m torch.distributed.run \
    --master_port="${PORT:-29501}" --nproc_per_node="$PROCESSES" \
    "$(dirname "$0")/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
