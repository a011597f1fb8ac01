#!/usr/bin/env bash
# The front door: sets up what is missing, then builds Tocsin, boots it in QEMU and runs its cases. --help says the rest.
set -euo pipefail

root=$(dirname "${BASH_SOURCE[0]}")
# Not `cargo xtask`: that works inside the workspace only, and the user's paths are relative to where the user is.
xtask() { exec cargo run --quiet --manifest-path "$root/Cargo.toml" --package xtask -- "$@"; }

yes=()
for argument; do
    case $argument in
        --yes) yes=(--yes) ;;
        # Asking for help installs nothing, if there is a cargo to give it.
        --help | -h) ! command -v cargo >/dev/null || xtask run --help ;;
    esac
done
"$root/tools/setup" "${yes[@]}"
xtask run "$@"
