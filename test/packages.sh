#!/usr/bin/env bash
# Installs the Debian packages that the tests want. Without root it says which
# are missing; the tests that need them then say that they did not run.
set -euo pipefail

declare -A wanted=(
  [gcc]="gcc libc6-dev" [tar]=tar [zstd]=zstd [jq]=jq [sha256sum]=coreutils
  [postconf]="postfix postfix-pcre" [swaks]=swaks [smtp-source]=postfix [curl]=curl
  [dovecot]="dovecot-core dovecot-lmtpd" [openssl]=openssl [unzip]=unzip [python3]=python3 [gpg]=gnupg [pigz]=pigz
)
missing=()
for tool in "${!wanted[@]}"; do
  PATH="$PATH:/usr/sbin" command -v "$tool" >/dev/null || missing+=(${wanted[$tool]})
done
[ ${#missing[@]} -eq 0 ] && exit 0
missing=($(printf '%s\n' "${missing[@]}" | sort -u))

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed: ${missing[*]}" >&2
  echo "tests that need them will say that they did not run (as root, make test installs them)" >&2
  exit 0
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# No service is started: the tests run servers of their own.
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
