#!/usr/bin/env bash
# The benchmarks of bench/README.md, one after the other. Figures of one table
# come from one run; these machines are noisy, so read the ratios.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin"

echo "## SMTP intake"
if [ "$(id -u)" -eq 0 ] && command -v postfix >/dev/null && command -v smtp-sink >/dev/null; then
  go run ./bench/intake -archive ./mail-archive
else
  echo "NOT RUN: needs root and Debian's package postfix"
fi

echo; echo "## Vault: append of 10 kB messages, so many at once"
go test -run '^$' -bench 'Append' -benchtime 3s ./internal/vault

echo; echo "## Keywords against judgement by hand"
go run ./bench/keywords

corpora=${MAIL_CORPORA:-../shared/corpora}
if [ ! -e "$corpora/bulk-dev.tar.zst" ]; then
  echo; echo "NOT RUN: import and search over real mail, $corpora/bulk-dev.tar.zst is not there"
  exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
zstd -dc --long=27 "$corpora/bulk-dev.tar.zst" | tar x -C "$folder"

echo; echo "## Import into the vault alone"
go run ./bench/vaultimport -folder "$folder"

echo; echo "## Import, stored and indexed"
time ./mail-archive import --data "$folder/data" "$folder/bulk"
./mail-archive stats --data "$folder/data"

echo; echo "## Search over it, newest 50 with rows, recipients and snippets"
go test -run '^$' -bench 'Search' -benchtime 1s ./internal/sqlite
