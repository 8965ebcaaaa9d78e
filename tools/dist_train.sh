#!/usr/bin/env bash
# Train on several GPUs of one machine (or CPU ranks, where there is none).
#   bash tools/dist_train.sh CONFIG NUM_PROCESSES [options of tools/train.py]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT as for torchrun.
set -euo pipefail
CONFIG=${1:?usage: dist_train.sh CONFIG NUM_PROCESSES [options]}
PROCESSES=${2:?usage: dist_train.sh CONFIG NUM_PROCESSES [options]}
cd "$(dirname "$0")/.."
python -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    --nproc_per_node="$PROCESSES" \
    tools/train.py "$CONFIG" --launcher pytorch "${@:3}"
