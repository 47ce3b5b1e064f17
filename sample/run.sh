#!/usr/bin/env bash
# Starts an archive in ./run with the sample mailbox in it and says what to try.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$PWD/run/data smtp=${SMTP:-127.0.0.1:2525} http=${HTTP:-127.0.0.1:8025} binary=$PWD/mail-archive
mkdir -p run

MAIL_ARCHIVE_LOCAL_DOMAINS=nordwind.example "$binary" serve --data "$data" --smtp "$smtp" --http "$http" 2>run/log &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT INT TERM

tries=0
until "$binary" stats --data "$data" --json >run/stats 2>/dev/null; do
  tries=$((tries + 1))
  if [ $tries -gt 100 ] || ! kill -0 $server 2>/dev/null; then
    echo "the archive did not start; the end of run/log says why:" >&2
    tail -n 5 run/log >&2
    exit 1
  fi
  read -r -t 0.1 <> <(:) || true
done
if grep -q '"arrivals":0[,}]' run/stats; then
  # Twice, as in real life: the old mailbox is imported, so that each message
  # stands at its own date, and it comes by SMTP with its envelope, which alone
  # knows who was on BCC. The bytes are kept once.
  go run ./sample/send --write run/mailbox
  "$binary" import --data "$data" run/mailbox
  go run ./sample/send --to "$smtp"
fi

if ! [ -s run/password ]; then
  # A password of its own for each archive: there is no default anywhere.
  (umask 077; printf 'Nordwind-%s\n' "$(od -An -N6 -tx1 /dev/urandom | tr -d ' \n')" >run/password)
  "$binary" user add --data "$data" demo --role administrator --password-file run/password >/dev/null
fi

cat <<TEXT

The web page:  http://$http/     user: demo   password: $(cat run/password)

The archive takes mail on $smtp (SMTP); http://$http/readyz and /metrics tell how it is.
Its folder is $data; Ctrl-C stops it, make clean throws it away.

In another terminal:

  send a message in      swaks --server $smtp --from me@nordwind.example --to you@nordwind.example \\
                               --header "Subject: hello archive"
                         (or: curl smtp://$smtp --mail-from me@nordwind.example --mail-rcpt you@nordwind.example -T FILE)
  find it                ./mail-archive search --data run/data hello archive
  beginnings, sizes      ./mail-archive search --data run/data "rechn* OR invoic* has:attachment"
  sent to the outside    ./mail-archive search --data run/data direction:out date:2026-10
  an invoice dispute     ./mail-archive search --data run/data '"RE-2026/00417"'
  a leak: who was on BCC ./mail-archive search --data run/data delivered:v.rahn@ostsee-marine.example
  read one               ./mail-archive show --data run/data ID     (an ID from a list, or enough of its beginning)
  its exact bytes        ./mail-archive raw --data run/data ID | sha256sum
  send one again         ./mail-archive redeliver --data run/data --dry-run ID
  take some elsewhere    ./mail-archive export --data run/data albatros --output albatros.zip
  pack them away         ./mail-archive archive --data run/data --month \$(date +%Y-%m)   (then: tar tzf run/data/archives/*.tgz)
  who did what           ./mail-archive audit --data run/data
  how much is in         ./mail-archive stats --data run/data
  is all of it sound     ./mail-archive verify --data run/data
TEXT
wait $server
