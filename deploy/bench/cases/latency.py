"""Many calls under way at once, each answered after 400 ms: throughput, memory, and what is added to FlexFactor's answer."""
import re
import time

from declines import declines, key
from rig import Rig
from wire import Wire

from cases.intake import take_in

ANSWER = 0.4
number_of = re.compile(rb'"id":"APPROVE\.([^"]+)"')
# A gateway alone gets three quarters of a stage's budget; so many together get nearly all of it.
MERCHANTS = tuple(f"merchant{number}" for number in range(16))


def at(sorted_values, share):
    return sorted_values[min(int(share * len(sorted_values)), len(sorted_values) - 1)]


def closed(bench, rig, in_flight):
    """All that may be under way is: results a second while more waits, as a share of what cannot be exceeded."""
    count = in_flight * (8 if in_flight >= 5_000 else 32)
    take_in(rig, "approved", count)
    rig.wire.purge("crm.results")
    with rig.worker("cascade", PREFETCH_CASCADE=in_flight) as worker:
        readings = []
        while not readings or readings[-1][1] < count:
            readings.append((time.monotonic(), rig.wire.depth("crm.results"), worker.cpu))
            time.sleep(0.05)
        begin = next(reading for reading in readings if reading[1] >= count / 8)
        # Towards the end what was put off comes by itself, and less is under way.
        end = next(reading for reading in readings if reading[1] >= count / 2)
        rate = (end[1] - begin[1]) / (end[0] - begin[0])
        bench.add(f"{in_flight:,} in flight: results", "a second", rate)
        bench.add(f"{in_flight:,} in flight: share of {in_flight / ANSWER:,.0f} a second", "", rate * ANSWER / in_flight)
        bench.add(f"{in_flight:,} in flight: CPU a message", "µs", (end[2] - begin[2]) * 1e6 / (end[1] - begin[1]))
        bench.add(
            f"{in_flight:,} in flight: memory", "MB", worker.memory(peak=True) / 1e6, below=300 if in_flight >= 5_000 else None)
        bench.add(f"{in_flight:,} in flight: put off for others", "messages", worker.count("salvage_put_off_total", stage="cascade"))
    return rate


def opened(bench, rig, in_flight, rate, seconds):
    """Declines come at a steady rate, and each is timed from there to its result, as the CRM sees it."""
    rig.rounds += 1
    messages = list(declines("approved", int(rate * seconds), f"O{rig.rounds}.", merchants=rig.names))
    sent, added, crm = {}, [], Wire(rig.url)
    rig.wire.purge("crm.results")
    crm.consume("crm.results")
    with rig.worker("intake,cascade", PREFETCH_CASCADE=in_flight):
        begun, next_one = time.monotonic(), 0
        while len(added) < len(messages):
            now = time.monotonic()
            if now > begun + seconds + 60:
                raise TimeoutError(f"{len(messages) - len(added)} results did not come")
            while next_one < len(messages) and begun + next_one / rate <= now:
                head, body = messages[next_one]
                sent[number_of.search(body)[1]] = time.monotonic()
                rig.wire.publish_one("declines", key("approved"), head, body)
                next_one += 1
            for result in crm.take(0.001):
                number = number_of.search(result.body)[1]
                if number in sent:
                    added.append((sent.pop(number), result.received))
    crm.close()
    # The first connections and caches do not count.
    waits = sorted((came - went - ANSWER) * 1000 for went, came in added if went > begun + seconds / 4)
    what = f"{in_flight:,} in flight at most, {rate:,.0f} a second: added"
    for name, share in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)]:
        bench.add(f"{what} {name}", "ms", at(waits, share), below=25 if name == "p99" else None)


def run(bench):
    for in_flight in [bench.given] if bench.given else [50, 200] if bench.quick else [200, 1_000, 5_000]:
        # A lane has 2,000 connections to one origin at most.
        with Rig(bench, merchants=MERCHANTS, sandboxes=2 if in_flight > 2_000 else 1) as rig:
            rig.faults(latencyP50=ANSWER * 1000, latencyP99=ANSWER * 1000, endpoints=["evaluate"])
            rate = closed(bench, rig, in_flight)
            opened(bench, rig, in_flight, rate / 2, 6 if bench.quick else 20)
