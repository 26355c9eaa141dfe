"""From the envelope by a claim and a signed call to the result and the journal's record, confirmed; FlexFactor answers at once."""
from rig import Drained, Rig

from cases.intake import take_in


def cascade(rig, way, count, large=False):
    take_in(rig, way, count, large)
    rig.wire.purge("crm.results")
    with rig.worker("cascade", ready="/livez") as worker:
        return Drained(rig, worker, "crm.results", count)


def run(bench):
    count = bench.size(20_000, 2_000)
    for way, large in [("declined", False), ("approved", False), ("approved", True)]:
        what = f"{way}, {'4' if large else '1'} kB"
        with Rig(bench) as rig:
            rounds = [cascade(rig, way, count, large) for _ in range(bench.rounds)]
        bench.add(f"{what}: CPU a message", "µs", [one.cpu for one in rounds])
        bench.add(f"{what}: messages", "a second", [one.rate for one in rounds])
        bench.add(f"{what}: memory", "MB", [one.memory for one in rounds])
