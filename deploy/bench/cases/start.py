"""A start with an empty index until it is ready, and what a worker uses while nothing comes."""
import time

from rig import Rig


def run(bench):
    ready, livez = [], []
    with Rig(bench, sandboxes=0) as rig:
        for _ in range(bench.rounds):
            with rig.worker(pause=0.005) as worker:
                ready.append((time.monotonic() - worker.begun) * 1000)
        bench.add("from the start to ready", "ms", ready, below=2_000)
        with rig.worker() as worker:
            time.sleep(3)
            cpu, seconds = worker.cpu, 5 if bench.quick else 30
            time.sleep(seconds)
            bench.add("idle: CPU of a core", "%", (worker.cpu - cpu) * 100 / seconds, below=1)
            bench.add("idle: memory", "MB", worker.memory() / 1e6)
