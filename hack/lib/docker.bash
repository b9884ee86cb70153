# shellcheck shell=bash
# The few things asked of a Docker Engine, by docker's own client where there is
# one and by curl where there is none. Sourced after common.bash.

readonly default_host=unix:///var/run/docker.sock
readonly answer_seconds=10 # how long an engine that is there may take to say so

# engine_host: the address that docker's client would use, DOCKER_HOST and
# contexts included.
engine_host() {
  if have docker && docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null; then
    return
  fi
  echo "${DOCKER_HOST:-$default_host}"
}

# engine_version: prints the engine's version; fails where none answers.
engine_version() { server_field Version Version; }

# engine_arch: prints the engine's architecture by its Go name.
engine_arch() { server_field Arch Arch; }

# server_field TEMPLATE_NAME JSON_NAME
server_field() {
  if have docker; then
    timeout "$answer_seconds" docker version --format "{{.Server.$1}}" 2>/dev/null
  else
    # The engine's own field comes last; those before it are its components'.
    engine_curl /version 2>/dev/null | grep -o "\"$2\":\"[^\"]*\"" | tail -n 1 | cut -d '"' -f 4 | grep .
  fi
}

engine_answers() { engine_version >/dev/null; }

# image_label IMAGE LABEL: prints the label's value, or nothing.
image_label() {
  if have docker; then
    docker image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null || true
  else
    engine_curl "/images/$1/json" 2>/dev/null | grep -o "\"$2\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4 || true
  fi
}

# load_images: reads an archive as `docker save` writes it.
load_images() {
  if have docker; then
    docker load --quiet >/dev/null
  else
    # A failure comes in the body, after status 200.
    engine_curl '/images/load?quiet=1' -X POST -H 'Content-Type: application/x-tar' --data-binary @- |
      { ! grep '"error' >&2; }
  fi
}

# prune_images LABEL: removes untagged images that carry it and that no container uses.
prune_images() {
  if have docker; then
    docker image prune --force --filter "label=$1" >/dev/null
  else
    engine_curl '/images/prune' -X POST -G --data-urlencode "filters={\"label\":[\"$1\"]}" >/dev/null
  fi
}

# engine_curl PATH [CURL_ARG...]: one request to the engine's API.
engine_curl() {
  local host path=$1
  host=$(engine_host)
  shift
  case $host in
  unix://*) curl -fsS --unix-socket "${host#unix://}" "$@" "http://docker$path" ;;
  tcp://*) curl -fsS "${curl_tls[@]}" "$@" "$(tcp_scheme)://${host#tcp://}$path" ;;
  *) die "$host needs docker's own client: install it" ;;
  esac
}

tcp_scheme() { [[ -n ${DOCKER_TLS_VERIFY:-} ]] && echo https || echo http; }

curl_tls=()
if [[ -n ${DOCKER_TLS_VERIFY:-} ]]; then
  certs=${DOCKER_CERT_PATH:-$HOME/.docker}
  curl_tls=(--cacert "$certs/ca.pem" --cert "$certs/cert.pem" --key "$certs/key.pem")
fi
