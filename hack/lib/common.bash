# shellcheck shell=bash
# What every script here says and installs the same way. Sourced, never run.

say() { printf '%s: %s\n' "${0##*/}" "$*"; }

die() {
  say "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

is_debian() {
  [[ -r /etc/os-release ]] || return 1
  # In a subshell: the file sets names such as VERSION.
  (
    . /etc/os-release
    [[ " ${ID:-} ${ID_LIKE:-} " == *" debian "* ]]
  )
}

# can_install: whether apt_install may be tried at all.
can_install() { is_debian && ((EUID == 0)) && have apt-get; }

# apt_install PACKAGE...: quiet unless it fails. No file descriptor of the
# caller's but the standard three is passed on: a service that a package starts
# would otherwise keep a lock for as long as it runs.
apt_install() {
  local log
  log=$(mktemp)
  say "installing $* with apt-get"
  if ! apt_get update >"$log" 2>&1 9>&- ||
    ! apt_get install --no-install-recommends "$@" >>"$log" 2>&1 9>&-; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "apt-get could not install $*"
  fi
  rm -f "$log"
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# wait_until SECONDS COMMAND...: runs COMMAND until it succeeds; fails after SECONDS.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.2
  done
}
