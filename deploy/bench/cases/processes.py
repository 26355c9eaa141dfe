"""One, two and four workers on the same queues: throughput together, and CPU of all for a message."""
import contextlib
import time

from rig import Rig, wait_for


def run(bench):
    count, one = bench.size(20_000, 2_000), None
    with Rig(bench) as rig:
        for number in (1, 2, 4):
            rates, cpus = [], []
            for _ in range(bench.rounds):
                with contextlib.ExitStack() as stack:
                    workers = [stack.enter_context(rig.worker("intake,cascade")) for _ in range(number)]
                    rig.wire.purge("crm.results")
                    cpu, begun = sum(worker.cpu for worker in workers), time.monotonic()
                    rig.publish("declined", count)
                    wait_for("all to be told", lambda: rig.wire.depth("crm.results") >= count, 3_600)
                    rates.append(count / (time.monotonic() - begun))
                    cpus.append((sum(worker.cpu for worker in workers) - cpu) * 1e6 / count)
            bench.add(f"{number} worker{'s' * (number > 1)}: declines to results", "a second", rates)
            bench.add(f"{number} worker{'s' * (number > 1)}: CPU a decline, all together", "µs", cpus)
            one = one or max(rates)
            if number == 2:
                bench.add("2 workers to one", "times", max(rates) / one, above=1.8)
