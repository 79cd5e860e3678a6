# Shared by the scripts of this folder, which source it; not a program of its own.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

# Run under sudo, what is built should still belong to whoever owns the checkout.
as_owner() {
  if [[ $EUID -eq 0 && -n ${SUDO_USER:-} && $(stat -c %U .) == "$SUDO_USER" ]]; then
    runuser -u "$SUDO_USER" -- "$@"
  else
    "$@"
  fi
}

# build PRESET [TARGET…]: configures and builds; every target when none is named.
build() {
  local preset=$1
  shift
  local launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  as_owner cmake --preset "$preset" --log-level=WARNING "${launcher[@]}" >&2
  as_owner cmake --build --preset "$preset" ${1:+--target "$@"} >&2
}
