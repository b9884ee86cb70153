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

# apt_install PACKAGE...: installs with only what they depend on.
apt_install() {
  say "installing $* with apt-get"
  apt_update
  apt_get install --no-install-recommends "$@"
}

# apt_update: once a run.
apt_update() {
  if [[ -z ${apt_updated:-} ]]; then apt_get update; fi
  apt_updated=yes
}

# apt_get ARG...: quiet unless it fails. Descriptor 9 is closed: a service that a
# package starts would otherwise hold our caller's lock for as long as it runs.
apt_get() {
  local output
  output=$(DEBIAN_FRONTEND=noninteractive apt-get -qy -o DPkg::Lock::Timeout=300 "$@" 2>&1 </dev/null 9>&-) && return
  tail -n 20 <<<"$output" >&2
  die "apt-get $* failed"
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
