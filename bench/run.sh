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

echo; echo "## From accepted to found, at 500 messages a second"
go run ./bench/fresh -archive ./mail-archive

corpora=$(realpath -m "${MAIL_CORPORA:-../shared/corpora}")
if [ ! -e "$corpora/bulk-dev.tar.zst" ]; then
  echo; echo "NOT RUN: import and search over real mail, $corpora/bulk-dev.tar.zst is not there"
  exit 0
fi
folder=$(mktemp -d /var/tmp/bench-XXXXXX)
trap 'rm -rf "$folder"' EXIT
zstd -dc --long=27 "$corpora/bulk-dev.tar.zst" | tar x -C "$folder"

echo; echo "## Import into the vault alone"
go run ./bench/vaultimport -folder "$folder"

echo; echo "## Import, stored and indexed, beside notmuch and mu"
go run ./bench/index -archive ./mail-archive -folder "$folder" -keep "$folder/archive"

echo; echo "## Search over it"
go run ./bench/search -data "$folder/archive"
rm -rf "$folder/archive"

echo; echo "## The rate of indexing as the archive grows"
messages=${BENCH_SCALE:-200000}
free=$(df --output=avail -k /var/tmp | tail -1)
if ! command -v python3 >/dev/null || [ ! -e "$corpora/gen_scale.py" ]; then
  echo "NOT RUN: needs python3 and $corpora/gen_scale.py"
elif [ "$free" -lt $((messages * 60)) ]; then # 60 kB a message: mail, vault, catalog and what is to spare
  echo "NOT RUN: $messages messages need $((messages * 60 / 1000000)) GB free in /var/tmp"
else
  go run ./bench/scale -n "$messages" -base "$folder" -script "$corpora/gen_scale.py" -keep "$folder/archive"
  echo; echo "## Search over that"
  go run ./bench/search -data "$folder/archive"
fi
