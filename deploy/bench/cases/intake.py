"""From the CRM's event to what the next stage gets and the journal's record, confirmed; beside it the bare relay."""
import subprocess

from rig import Drained, Rig, root, wait_for

# What the least is measured against: the relay publishes for each message what intake publishes for a cascade.
RELAY_TO = [("recovery.work", "cascade"), ("recovery.journal", "")]


def sample(rig, queue, offset=None):
    """A message of a queue or stream, as it stands there."""
    from wire import Wire
    wire = Wire(rig.url)
    wire.consume(queue, offset)
    taken = wait_for(f"a message of {queue}", lambda: wire.take(1))[0]
    wire.close()
    return taken


def relayed(rig, queue, ahead, count, *messages):
    """Seconds and CPU seconds of the bare relay; without messages to publish it reads a stream from its beginning."""
    program = rig.folder / "relay"
    if not program.exists():
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", root / "deploy/bench/relay.c", "-lrabbitmq", "-o", program], check=True)
    told = subprocess.run(
        [program, "127.0.0.1", str(rig.port), queue, str(ahead), str(count), *messages], capture_output=True, text=True)
    if told.returncode != 0:
        raise RuntimeError(told.stderr)
    return map(float, told.stdout.split())


def relay(rig, count, messages):
    """Messages a second and CPU of the relay, for what waits at intake."""
    arguments = []
    for number, ((exchange, key), message) in enumerate(zip(RELAY_TO, messages)):
        body, head = rig.folder / f"body{number}", rig.folder / f"properties{number}"
        body.write_bytes(message.body)
        head.write_bytes(message.properties)
        arguments += [exchange, key, body, head]
    seconds, cpu = relayed(rig, "recovery.intake", 256, count, *arguments)
    return count / seconds, cpu * 1e6 / count


# Where a decline is after intake.
NEXT = {"approved": "recovery.cascade", "declined": "recovery.cascade", "retry": "recovery.retry", "hard": "crm.results"}


def waiting(rig, way, count, large=False):
    """So many declines at intake, and nothing behind it."""
    rig.wire.purge(NEXT[way])
    rig.publish(way, count, large)
    wait_for("the declines", lambda: rig.wire.depth("recovery.intake") >= count)


def take_in(rig, way, count, large=False):
    waiting(rig, way, count, large)
    with rig.worker("intake", ready="/livez") as worker:
        return Drained(rig, worker, NEXT[way], count)


def run(bench):
    count = bench.size(20_000, 2_000)
    with Rig(bench) as rig:
        for way, large in [("approved", False), ("approved", True), ("retry", False), ("hard", False)]:
            what = f"{'for the cascade' if way == 'approved' else way}, {'4' if large else '1'} kB"
            taken, bare = [], []
            for _ in range(bench.rounds):
                taken.append(take_in(rig, way, count, large))
                if way == "approved":
                    messages = [sample(rig, "recovery.cascade"), sample(rig, "recovery.journal", "last")]
                    waiting(rig, way, count, large)
                    bare.append(relay(rig, count, messages))
            bench.add(f"{what}: CPU a message", "µs", [one.cpu for one in taken])
            bench.add(f"{what}: messages", "a second", [one.rate for one in taken])
            bench.add(f"{what}: memory", "MB", [one.memory for one in taken])
            bench.add(f"{what}: CPU of the bare relay", "µs", [cpu for _, cpu in bare])
            bench.add(f"{what}: messages of the bare relay", "a second", [rate for rate, _ in bare])
            pairs = list(zip(taken, bare))
            throughput = [one.rate / rate for one, (rate, _) in pairs]
            bench.add(f"{what}: throughput to the relay's", "times", throughput, above=None if large else 0.8)
            bench.add(f"{what}: CPU to the relay's", "times", [one.cpu / cpu for one, (_, cpu) in pairs])
