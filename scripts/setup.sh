#!/usr/bin/env bash
# Makes .venv with exactly what requirements.lock names (hashes checked), and this project in it.
# Does nothing when .venv already stands for the present lock and pyproject.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=.venv/.reelseek-setup
wanted=$(cat requirements.lock requirements-setup.lock pyproject.toml scripts/setup.sh | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; then
    exit 0
fi

python=${PYTHON:-}
if [ -z "$python" ]; then
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
fi
[ -n "$python" ] || { echo "Reelseek needs Python 3.11, 3.12 or 3.13; none was found. Set PYTHON=/path/to/python." >&2; exit 2; }

echo "Setting up .venv with $("$python" --version) (once; several GB with every engine)..."
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock

# uv installs the lock in a fraction of pip's time; where it cannot reach an index that pip is configured for, pip does it.
if ! .venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock requirements-setup.lock; then
    echo "uv could not install the lock file; trying pip (slower)..." >&2
    .venv/bin/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
fi
if ! .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable . ; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
fi
printf '%s' "$wanted" > "$stamp"
echo "Set up."
