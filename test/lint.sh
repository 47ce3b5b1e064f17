#!/usr/bin/env bash
# Formatting, vet, staticcheck and govulncheck; fails when one of them finds
# something. A tool that cannot be had here is named, not passed over.
set -euo pipefail
staticcheck=$1 govulncheck=$2

badly=$(git ls-files '*.go' | xargs -r gofmt -l)
if [ -n "$badly" ]; then
  echo "gofmt would change:" $badly >&2
  exit 1
fi
go vet ./...
if go install "$staticcheck" 2>/tmp/staticcheck.$$; then
  "$(go env GOPATH)/bin/staticcheck" ./...
else
  echo "staticcheck was not run, it cannot be installed here: $(tail -n1 /tmp/staticcheck.$$)" >&2
fi
rm -f /tmp/staticcheck.$$

# govulncheck needs its database from the network: exit 3 is "found something".
if go install "$govulncheck" 2>/dev/null; then
  status=0
  out=$(timeout 120 "$(go env GOPATH)/bin/govulncheck" ./... 2>&1) || status=$?
  if [ "$status" -eq 3 ]; then
    echo "$out" >&2
    exit 1
  fi
  [ "$status" -eq 0 ] || echo "govulncheck was not run, its database cannot be reached here: $(tail -n1 <<<"$out")" >&2
else
  echo "govulncheck was not run, it cannot be installed here" >&2
fi
