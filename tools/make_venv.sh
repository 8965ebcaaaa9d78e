#!/usr/bin/env bash
# Make .venv from the project's own files, or bring it up to date.
#     tools/make_venv.sh [VENV [OPENMMLAB]]
# OPENMMLAB names the requirements that bring mmengine, mmcv and mmpretrain.
# PYTHON=/path/to/python chooses the interpreter (3.10 to 3.12).
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=${1:-.venv}
OPENMMLAB=${2:-requirements/mminstall.txt}
NEEDED_GB=9

stop() {
    printf '\nCannot set up %s: %s\n' "$VENV" "$1" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.10 python3}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

wanted=$(cat requirements/*.txt setup.py | sha256sum | cut -d' ' -f1)
if [ -x "$VENV/bin/python" ] && [ "$(cat "$VENV/.installed" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

python=$(find_python) || stop "no Python 3.10, 3.11 or 3.12 was found${PYTHON:+ at $PYTHON}.
On Debian: apt-get install python3 python3-venv. Elsewhere name one: make demo PYTHON=/path/to/python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null || stop "$python has no venv module.
On Debian: apt-get install python3-venv"
free_gb=$(($(df -Pk . | awk 'NR == 2 {print $4}') / 1024 / 1024))
if [ ! -x "$VENV/bin/python" ] && [ "$free_gb" -lt "$NEEDED_GB" ]; then
    stop "$free_gb GB are free here, $NEEDED_GB GB are needed (PyTorch brings its CUDA libraries)."
fi

echo "Setting up $VENV with $("$python" --version); this takes a minute or two and about 6 GB."
rm -f "$VENV/.installed"
"$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$VENV"
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }
pip install --quiet --progress-bar off -c requirements/constraints.txt \
    -r "$OPENMMLAB" -r requirements/runtime.txt \
    -r requirements/video.txt -r requirements/export.txt \
    -r requirements/faiss.txt -r requirements/tests.txt ||
    stop "pip could not install the requirements (see above). Is there a network, or a package mirror that pip is configured for? Run the same command again to go on."
pip install --quiet --no-deps --editable . || stop "pip could not install mmcion itself (see above)."

# opencv-python needs libGL; machines without it get the same version headless.
if ! "$VENV/bin/python" -c 'import cv2' 2>/dev/null; then
    echo "No libGL here: using opencv-python-headless instead of opencv-python."
    version=$("$VENV/bin/python" -c 'import importlib.metadata as m; print(m.version("opencv-python"))')
    pip uninstall --quiet --yes opencv-python
    pip install --quiet --no-deps --force-reinstall "opencv-python-headless==$version"
    "$VENV/bin/python" -c 'import cv2' || stop "OpenCV cannot be imported (see above)."
fi
echo "$wanted" >"$VENV/.installed"
