#!/usr/bin/env bash
# Makes sure that the commands named as arguments exist: tests/system-packages.sh chromium gcc mosquitto mosquitto_pub
# As root on Debian or Ubuntu it installs what is missing; otherwise it says in one line what to install.
set -euo pipefail

present() {
  case "$1" in
    chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
    mosquitto) command -v mosquitto || [ -x /usr/sbin/mosquitto ] ;; # not on every user's PATH
    *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

packages=()
for name in "$@"; do
  present "$name" && continue
  case "$name" in
    gcc) packages+=(gcc libc6-dev) ;;
    node) packages+=(nodejs) ;;
    mosquitto_pub | mosquitto_sub) packages+=(mosquitto-clients) ;;
    *) packages+=("$name") ;;
  esac
done
[ "${#packages[@]}" -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${packages[*]} ..."
  export DEBIAN_FRONTEND=noninteractive
  install=(apt-get install -y -qq --no-install-recommends "${packages[@]}")
  log="$(mktemp)"
  # The tests start brokers of their own: a package must not start one here, where nobody asked for a service.
  policy=/usr/sbin/policy-rc.d
  if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
  trap 'rm -f "$log" $policy' EXIT
  "${install[@]}" >"$log" 2>&1 || { apt-get update -qq && "${install[@]}"; } >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    echo "apt-get could not install: ${packages[*]}" >&2
    exit 1
  }
else
  echo "Missing: apt-get install ${packages[*]}   (needed by the tests)" >&2
  exit 1
fi
