#!/bin/sh
# The command of peal-nightly.service: sends the newest list of a directory, such as 2031-01-31.csv. Each list has a directory of its
# own in $STATE_DIRECTORY, with the journal of its campaign, so the same command begins a campaign, goes on with one that was
# stopped, and leaves one alone that is finished.
set -eu

lists=$1
newest=
# In the order of their names. Your export writes under another name, and renames its file once it is complete.
for list in "$lists"/*.csv; do
  if [ -e "$list" ]; then newest=$list; fi
done
if [ -z "$newest" ]; then
  echo "There is no list in $lists: nothing to send."
  exit 0
fi

# exec: the signals of systemd reach peal itself, and its exit code is that of the service.
exec peal send --tokens "$newest" --out "$STATE_DIRECTORY/$(basename "$newest" .csv)" \
  --key "$CREDENTIALS_DIRECTORY/apns.p8" --log-format json
