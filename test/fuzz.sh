#!/usr/bin/env bash
# Runs each fuzz target for the time given.
set -euo pipefail
grep -rl --include='*_test.go' '^func Fuzz' internal | xargs -n1 dirname | sort -u | while read -r folder; do
  grep -ho '^func Fuzz[A-Za-z0-9]*' "$folder"/*_test.go | cut -d' ' -f2 | while read -r target; do
    echo "== $folder $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$folder"
  done
done
