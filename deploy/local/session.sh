# shellcheck shell=bash
# Sourced by run, test and bench: a folder of its own under .local/, a private broker in it, and an end that stops all it started.
# Several sessions run side by side, and beside a system RabbitMQ.
#
# A script calls, in this order: begin_session, build, as_ordinary_user (which begins the script anew, as somebody without rights of
# root), and then starts things. Whatever it waits for runs in the background (`attend`), since bash hears a signal only while it waits.
#
# Every process of a session has SALVAGE_SESSION in its environment, from its beginning and for ever, whoever started it. By that they
# are found at the end, and by that the next session finds what one left behind that was killed.

# Where sessions live: beside the checkout, or where the checkout is somebody else's, with the temporary files.
sessions() {
  if mkdir -p .local 2>/dev/null && [ -w .local ]; then
    echo "$PWD/.local"
  else
    local place
    place=${TMPDIR:-/tmp}/salvage-local-$(id -u)
    if [ ! -d "$place" ]; then mkdir -m 700 "$place"; fi
    echo "$place"
  fi
}

# When a process began, in ticks since the machine did; nothing where there is none. With its number that names it for good.
beginning() { # PID
  local line words
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
  read -r -a words <<<"${line##*) }"
  [ "${words[0]}" = Z ] || echo "${words[19]}"
}

# The processes of a session, wherever they went.
members() { # FOLDER
  grep -lzxF "SALVAGE_SESSION=$1" /proc/[0-9]*/environ 2>/dev/null | sed 's|^/proc/||; s|/environ$||' || true
}

# Waits until a session has no process left; fails when the time is over first.
await_end() { # FOLDER TENTHS
  local left=$2
  while [ -n "$(members "$1")" ]; do
    if [ "$left" -le 0 ]; then return 1; fi
    left=$((left - 1))
    sleep 0.1
  done
}

signal_all() { # SIGNAL PID...
  local signal=$1 pid
  shift
  for pid in "$@"; do kill "-$signal" "$pid" 2>/dev/null || true; done
}

# Ends all processes of a session and takes its folder away. Well within the ten seconds that a container is given.
clear_session() { # FOLDER
  local broker=() others=() pid
  for pid in $(members "$1"); do
    case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
      *rabbitmq*|*beam*|*epmd*|*erl_child_setup*|*inet_gethost*) broker+=("$pid") ;;
      *) others+=("$pid") ;;
    esac
  done
  # The broker last: who uses it would else wait for it to come back. Its data go with the session, so it need not be asked.
  signal_all TERM ${others[@]+"${others[@]}"}
  if [ ${#others[@]} -gt 0 ]; then
    local left=30
    while [ "$left" -gt 0 ] && still_there "${others[@]}"; do left=$((left - 1)); sleep 0.1; done
    signal_all KILL "${others[@]}"
  fi
  signal_all KILL ${broker[@]+"${broker[@]}"}
  # shellcheck disable=SC2046 # one word each
  while ! await_end "$1" 5; do signal_all KILL $(members "$1"); done
  rm -rf "$1"
}

still_there() { # PID...
  local pid
  for pid in "$@"; do if [ -n "$(beginning "$pid")" ]; then return 0; fi; done
  return 1
}

# Clears what sessions left behind whose script is gone. A session's name is its script: number, beginning, and the world of numbers
# that this is one of (a container has its own, and knows nothing of what runs outside).
sweep() {
  local place=$1 folder number began world
  for folder in "$place"/session.*; do
    [ -d "$folder" ] || continue
    IFS=. read -r number began world <<<"${folder##*/session.}"
    if [ "$world" != "$(stat -Lc %i /proc/self/ns/pid)" ]; then continue; fi
    # Whose it is, and root, can end what is left of it.
    if [ ! -O "$folder" ] && [ "$(id -u)" -ne 0 ]; then continue; fi
    if [ "$(beginning "$number")" != "$began" ]; then clear_session "$folder" 2>/dev/null || true; fi
  done
}

# Makes the session, or takes it over from before the script was begun anew.
begin_session() {
  if [ -n "${SALVAGE_SESSION_TAKEN_OVER:-}" ]; then
    session=$SALVAGE_SESSION_TAKEN_OVER
    unset SALVAGE_SESSION_TAKEN_OVER
  else
    local place
    place=$(sessions)
    sweep "$place"
    session=$place/session.$$.$(beginning $$).$(stat -Lc %i /proc/self/ns/pid)
    mkdir -m 700 "$session"
  fi
  export SALVAGE_SESSION=$session
  trap end_session EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
}

end_session() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  # Nothing that is started from here on is of the session.
  export -n SALVAGE_SESSION
  clear_session "$session" 2>/dev/null || true
  exit $status
}

# Runs a command and waits for it, in such a way that a signal to the script is heard at once.
attend() {
  "$@" <&0 &
  wait $!
}

# Runs a command beside what follows; what it says is told by `joined`, in one piece: beside NAME COMMAND...
beside() {
  local name=$1
  shift
  "$@" >"$session/$name.log" 2>&1 <&0 &
  printf -v "beside_$name" %s $!
}

# Waits for what runs beside, tells what it said, and fails if it did: joined NAME
joined() {
  local pid="beside_$1" status=0
  wait "${!pid}" || status=$?
  cat "$session/$1.log"
  if [ "$status" -ne 0 ]; then echo "${1//_/ }: failed with $status" >&2; fi
  return "$status"
}

# From here on as somebody without rights: who is root begins the script anew as nobody, without capabilities, in the same session.
# Only installing needs root, and what runs as root here would hide what an ordinary user stumbles over.
as_ordinary_user() { # SCRIPT ARGUMENTS...
  if [ "$(id -u)" -ne 0 ] || [ -n "${SALVAGE_CAPABILITIES_DROPPED:-}" ]; then return; fi
  local nobody=(--reuid=65534 --regid=65534 --clear-groups) rights=(--inh-caps=-all --bounding-set=-all --no-new-privs)
  mkdir -p "$session/home"
  if setpriv "${nobody[@]}" test -r "$PWD/deploy/local/session.sh" -a -x "$binaries/salvage"; then
    rights+=("${nobody[@]}")
    chown -R 65534:65534 "$session"
    # For the next session of an ordinary user.
    chmod 1777 "${session%/*}"
  else
    echo "${1##*/}: only root can read $PWD; what is started here stays root, but has no capabilities" >&2
  fi
  exec env -u SALVAGE_SESSION SALVAGE_SESSION_TAKEN_OVER="$session" SALVAGE_CAPABILITIES_DROPPED=1 SALVAGE_BINARIES="$binaries" \
    HOME="$session/home" setpriv "${rights[@]}" bash "$@"
}

# Prints a port on loopback with nothing behind it and nothing behind its neighbours, below the ephemeral range.
free_port() {
  local port offset taken
  for _ in $(seq 1 200); do
    port=$((20000 + RANDOM % 1100 * 10))
    taken=
    for offset in 0 1 2 3 100; do
      if (exec 3<>"/dev/tcp/127.0.0.1/$((port + offset))") 2>/dev/null; then taken=1; break; fi
    done
    if [ -z "$taken" ]; then echo "$port"; return; fi
  done
  echo "no free port found between 20000 and 31000" >&2
  return 1
}

# Runs a command in the background, its output in the session's folder; it ends with the session: start NAME COMMAND...
start() {
  local name=$1
  shift
  "$@" >"$session/$name.log" 2>&1 &
  # shellcheck disable=SC2034 # for bench
  last_started=$!
}

# Waits until a command succeeds: wait_for SECONDS WHAT COMMAND...
wait_for() {
  local seconds=$1 what=$2 deadline=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $deadline ]; then
      echo "gave up after $seconds s waiting for $what; its output:" >&2
      tail -n 20 "$session"/*.log >&2 || true
      return 1
    fi
    sleep 0.1
  done
}

# Starts a private broker in the session and says where it is: start_broker [--tls]
# shellcheck disable=SC2120 # the option may be left out
start_broker() {
  local tries
  for tries in 1 2 3; do
    port=$(free_port)
    attend bash deploy/local/broker start "$session/broker" "$port" "$@" && break
    # Somebody else may have taken the port meanwhile.
    attend bash deploy/local/broker stop "$session/broker" 2>/dev/null || true
    if [ "$tries" = 3 ]; then return 1; fi
  done
  export SALVAGE_BROKER_URL="amqp://guest:guest@127.0.0.1:$port"
}

# The accounts of the example configuration, as the sandbox reads them. The configuration's key signs requests and webhooks. The second
# account has no webhooks: there, polls must do. accounts [HOST:PORT where the first one's go]
accounts() {
  local key=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw== webhooks=
  if [ -n "${1:-}" ]; then webhooks=", \"webhookKey\": \"$key\", \"webhookUrl\": \"http://$1/webhooks/acme/42\""; fi
  cat <<ACCOUNTS
[{"appKey": "sandbox-app-key", "appSecret": "sandbox-app-secret", "mid": "5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11",
  "environmentKey": "sandbox-environment-key", "requestKey": "$key"$webhooks},
 {"appKey": "sandbox-bold-key", "appSecret": "sandbox-app-secret", "mid": "8d3f4b52-20c7-4b0e-8f61-3c9f6e1a7d42", "requestKey": "$key"}]
ACCOUNTS
}

# Starts FlexFactor's sandbox, says where it is (`sandbox`), and writes the example configuration for it: start_sandbox BINARY [HOST:PORT]
start_sandbox() {
  accounts "${2:-}" >"$session/accounts.json"
  start sandbox "$1" --port 0 --port-file "$session/sandbox.port" --threads 1 --accounts "$session/accounts.json"
  wait_for 20 "the sandbox" test -s "$session/sandbox.port"
  sandbox=http://127.0.0.1:$(cat "$session/sandbox.port")
  sed "s|http://127.0.0.1:8089|$sandbox|" schemas/examples/salvage.yaml >"$session/salvage.yaml"
}

# Starts Prometheus with the alerts, over a worker and a console: start_prometheus WORKER CONSOLE HOST:PORT
start_prometheus() {
  sed -E "s/15s/1s/; s|workers:8080|$1|; s|console:8082|$2|; /^  # The broker/,\$d; s|alerts.yml|$PWD/deploy/prometheus/alerts.yml|" \
    deploy/prometheus/prometheus.yml >"$session/prometheus.yml"
  start prometheus prometheus --config.file="$session/prometheus.yml" --storage.tsdb.path="$session/prometheus" --web.listen-address="$3"
}

# Builds with the options given and sets `binaries` to the folder of the binaries: build [--configuration release] [MORE...]
# shellcheck disable=SC2120 # without any it is the debug build
build() {
  binaries=${SALVAGE_BINARIES:-}
  if [ -n "$binaries" ]; then return; fi
  local configuration=debug
  if [ "${1:-}" = --configuration ]; then
    configuration=$2
  fi
  if [ -e .build ] && [ ! -w .build ] && [ -x ".build/$configuration/salvage" ]; then
    echo "not built anew: .build belongs to $(stat -c %U .build)" >&2
  else
    attend swift build "$@" >&2
  fi
  binaries=$(readlink -f ".build/$configuration")
}

# Prints a script's head comment.
help_of() { sed -n '2,/^[^#]/{/^#/!d; s/^# \{0,1\}//; p}' "$1"; }
