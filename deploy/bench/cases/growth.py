"""What a message costs where there are ten and a hundred times as many, and where ever more are parked."""
from rig import Rig, wait_for

from cases.retry import park


def both(rig, worker, count):
    """CPU from decline to result, all told."""
    rig.wire.purge("crm.results")
    cpu = worker.cpu
    rig.publish("declined", count)
    wait_for("all to be told", lambda: rig.wire.depth("crm.results") >= count, 3_600)
    return (worker.cpu - cpu) * 1e6 / count


def run(bench):
    unit = bench.size(1_000, 200)
    with Rig(bench) as rig, rig.worker("intake,cascade") as worker:
        both(rig, worker, 1_000)
        first = None
        for times in (1, 10, 100 if not bench.quick else 20):
            cpus = [both(rig, worker, unit * times) for _ in range(max(bench.rounds // times, 1))]
            bench.add(f"{unit * times:,} declines: CPU of each", "µs", cpus)
            first = first or min(cpus)
        bench.add("the most to the least", "times", min(cpus) / first, below=1.15)
    with Rig(bench) as rig:
        there, first = 0, None
        for wanted in (0, unit, 10 * unit, 100 * unit if not bench.quick else 20 * unit):
            if wanted > there:
                park(rig, wanted - there)
                there = wanted
            with rig.worker("intake,cascade") as worker:
                both(rig, worker, 1_000)
                cpus = [both(rig, worker, 5 * unit) for _ in range(bench.rounds)]
            bench.add(f"{wanted:,} parked: CPU of a decline", "µs", cpus)
            first = first or min(cpus)
        bench.add(f"{wanted:,} parked to none", "times", min(cpus) / first, below=1.15)
