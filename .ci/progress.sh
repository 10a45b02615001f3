# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Messages, the lock and the progress lines of .ci/environment, which sources this file.

say() { printf 'infusate: %s\n' "$*" >&2; }

die() { # CODE MESSAGE
  say "${@:2}"
  exit "$1"
}

last_words() { # where the log is, in a few words
  grep -v 'uninstall\|WARNING' "$log" | tail -n 1 | cut -c1-70
}

lock() { # one set-up at a time for each user; released when fd 9 closes, however the set-up ends
  exec 9>"$cache/lock"
  flock --nonblock 9 && return
  say "another set-up is running; waiting for it"
  until flock --timeout 5 9; do say "the other set-up: $(last_words)"; done
}

stop_stage() { # PROCESS FOLDER: end the stage with all of its processes and leave nothing of it
  kill -TERM -- "-$1" 2>/dev/null
  wait "$1" 2>/dev/null
  rm -rf --one-file-system "$2"
  say "set-up interrupted; nothing half made is left"
  exit 130
}

staged() { # TITLE FOLDER CMD...: run CMD, which fills FOLDER, with a line every five seconds; if it fails, nothing is left
  local title=$1 folder=$2 started=$SECONDS pid
  shift 2
  say "$title ..."
  set -m # a process group of its own, so that an interrupt can end all of it
  "$@" >>"$log" 2>&1 </dev/null &
  pid=$!
  set +m
  trap 'stop_stage "$pid" "$folder"' INT TERM HUP
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    (((SECONDS - started) % 5)) || say "$(printf '[%3d s] %s: %s' $((SECONDS - started)) "${title%% (*}" "$(last_words)")"
  done
  wait "$pid"
  local status=$?
  trap - INT TERM HUP
  ((status == 0)) && return
  rm -rf --one-file-system "$folder"
  tail -n 20 "$log" >&2
  say "$title: failed; the whole log is in $log"
  return "$status"
}

failed() { die 69 "the environment could not be set up; nothing half made is left, and the next try starts this stage anew"; }
