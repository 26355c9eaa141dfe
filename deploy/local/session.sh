# Sourced by run, test and bench: a folder of its own under .local/, a private broker in it, and an end that stops all it started.
# Several sessions run side by side, and beside a system RabbitMQ.

mkdir -p .local
session=$(mktemp -d "$PWD/.local/session.XXXXXX")
started=()

end_session() {
  local status=$?
  trap - EXIT INT TERM HUP
  local pid
  for pid in ${started[@]+"${started[@]}"}; do kill "$pid" 2>/dev/null || true; done
  for pid in ${started[@]+"${started[@]}"}; do wait "$pid" 2>/dev/null || true; done
  [ -d "$session/broker" ] && bash deploy/local/broker stop "$session/broker" >/dev/null 2>&1 || true
  rm -rf "$session"
  exit $status
}
trap end_session EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Prints a port on loopback with nothing behind it and nothing behind its neighbours, below the ephemeral range.
free_port() {
  local tries port offset taken
  for tries in $(seq 1 200); do
    port=$((20000 + RANDOM % 1100 * 10))
    taken=
    for offset in 0 1 2 3 100; do
      if (exec 3<>"/dev/tcp/127.0.0.1/$((port + offset))") 2>/dev/null; then taken=1; break; fi
    done
    [ -z "$taken" ] && { echo "$port"; return; }
  done
  echo "no free port found between 20000 and 31000" >&2
  return 1
}

# Runs a command in the background, its output in the session's folder, and remembers to stop it: start NAME COMMAND...
start() {
  local name=$1
  shift
  "$@" >"$session/$name.log" 2>&1 &
  started+=($!)
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
start_broker() {
  local tries
  for tries in 1 2 3; do
    port=$(free_port)
    bash deploy/local/broker start "$session/broker" "$port" "$@" && break
    # Somebody else may have taken the port meanwhile.
    bash deploy/local/broker stop "$session/broker" 2>/dev/null || true
    [ "$tries" = 3 ] && return 1
  done
  export SALVAGE_BROKER_URL="amqp://guest:guest@127.0.0.1:$port"
}

# Builds with the options given and prints the folder of the binaries.
build() {
  swift build "$@" >&2
  swift build "$@" --show-bin-path
}
