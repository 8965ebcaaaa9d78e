#!/usr/bin/env bash
# Train on several GPUs of one machine (or CPU ranks, where there is none).
#   bash tools/dist_train.sh CONFIG NUM_PROCESSES [options of tools/train.py]
# PORT (29500) must differ between runs on one machine; PYTHON is the
# interpreter. Several machines: start it on each, with NNODES, NODE_RANK (from
# 0) and MASTER_ADDR (of node 0) set; NUM_PROCESSES is then per machine.
set -euo pipefail
CONFIG=${1:?usage: dist_train.sh CONFIG NUM_PROCESSES [options]}
PROCESSES=${2:?usage: dist_train.sh CONFIG NUM_PROCESSES [options]}
"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$PROCESSES" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "${@:3}"
