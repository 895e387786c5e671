#!/usr/bin/env bash
# Installs the system packages that only tests need. Where that is not possible, says so: the tests that need them skip.
set -uo pipefail

declare -A wanted=([ffmpeg]=ffmpeg [espeak-ng]=espeak-ng [redis-server]=redis-server [chromium]=chromium)
missing=()
for command in "${!wanted[@]}"; do
    command -v "$command" >/dev/null 2>&1 || missing+=("${wanted[$command]}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "These programs are not here: ${missing[*]}. The tests that need them will be skipped." >&2
    exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        echo "To run every test, install: ${missing[*]}. The tests that need them will be skipped." >&2
        exit 0
    fi
fi
echo "Installing for the tests: ${missing[*]}"
"${as_root[@]}" apt-get update -qq || true
if ! DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    echo "Not all of these could be installed: ${missing[*]}. The tests that need them will be skipped." >&2
fi
exit 0
