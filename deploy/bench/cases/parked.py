"""What a parked recovery costs broker and worker, in bytes by what they are for, and how long the broker starts with all of them."""
import subprocess
import time

from rig import Rig, root, wait_for
from wire import Wire

from cases.retry import DAY


def parked(rig):
    told = subprocess.run(
        ["bash", "deploy/local/broker", "ctl", rig.folder / "broker", "list_queues", "name", "messages"], cwd=root, capture_output=True,
        text=True).stdout
    return sum(int(line.split()[1]) for line in told.splitlines() if line.startswith("recovery.delay"))


def used(rig, worker):
    """Bytes of the node and of the worker."""
    node = int((rig.folder / "broker/node.pid").read_text())
    memory = next(int(line.split()[1]) * 1024 for line in open(f"/proc/{node}/status") if line.startswith("VmRSS:"))
    files = [path for path in (rig.folder / "broker/data").rglob("*") if path.is_file() and path.suffix != ".wal"]
    disk = lambda word: sum(path.stat().st_size for path in files if word in str(path))
    return {
        "broker, memory of the node": memory, "broker, disk of quorum queues without the log": disk("/quorum/"),
        "broker, disk of the claims": disk("__recovery_claims_"), "broker, disk of the journal": disk("__recovery_journal_"),
        "worker, memory": worker.memory(),
    }


def run(bench):
    count = bench.size(100_000, 2_000)
    with Rig(bench) as rig:
        with rig.worker(POLL_FIRST_SECONDS=DAY, POLL_LONGEST_SECONDS=DAY) as worker:
            before, cpu = used(rig, worker), worker.cpu
            rig.publish("retry", count)
            wait_for("all to be parked", lambda: parked(rig) >= count, 3_600, 1)
            # What is written moves from the log to the queues' own files when it is full, or after a while.
            time.sleep(20)
            for what, bytes in used(rig, worker).items():
                bench.add(what, "bytes", (bytes - before[what]) / count)
            bench.add("worker, CPU from decline to parked", "µs", (worker.cpu - cpu) * 1e6 / count)
        rig.wire.close()
        subprocess.run(["bash", "deploy/local/broker", "stop", rig.folder / "broker"], cwd=root, check=True)
        begun = time.monotonic()
        subprocess.run(["bash", "deploy/local/broker", "start", rig.folder / "broker", str(rig.port)], cwd=root, check=True)
        wait_for("the ladder", lambda: parked(rig) >= count, 600, 0.2)
        bench.add(f"broker, until {count:,} are there again", "s", time.monotonic() - begun)
        rig.wire = Wire(rig.url)
