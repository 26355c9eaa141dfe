"""Recoveries that wait in the delay ladder: what parking and waking one costs, and how late they wake with many others parked."""
import time

from declines import declines, key
from rig import Rig, wait_for

DAY = 86_400


def park(rig, count):
    """Parks so many for a day, and says what each took. The CRM is told of each that FlexFactor has taken it on."""
    rig.wire.purge("crm.results")
    with rig.worker(POLL_FIRST_SECONDS=DAY, POLL_LONGEST_SECONDS=DAY) as worker:
        cpu, begun = worker.cpu, time.monotonic()
        rig.publish("retry", count)
        wait_for("all to be parked", lambda: rig.wire.depth("crm.results") >= count, 3_600)
        return (time.monotonic() - begun) / count, (worker.cpu - cpu) / count


def quantile(histogram, share):
    """In milliseconds: between two bounds as if evenly spread, as Prometheus does."""
    bounds = sorted((float(series.partition('le="')[2].partition('"')[0]), count) for series, count in histogram.items())
    wanted, low, below = bounds[-1][1] * share, 0.0, 0.0
    for bound, count in bounds:
        if count >= wanted:
            return 1000 * (low + (bound - low) * (wanted - below) / max(count - below, 1)) if bound != float("inf") else 1000 * low
        low, below = bound, count
    return None


def wake(bench, rig, rate, seconds):
    """Declines at a steady rate, each parked for ten seconds and then found completed."""
    rig.rounds += 1
    rig.wire.purge("crm.results")
    count = int(rate * seconds)
    messages = list(declines("completed", count, f"W{rig.rounds}."))
    # FlexFactor's 21 days are 42 seconds here, and a tenth of it is when it takes the money.
    with rig.worker(POLL_FIRST_SECONDS=10, POLL_LONGEST_SECONDS=20, RETRY_DAY_SECONDS=2, RETRY_GRACE_SECONDS=60) as worker:
        cpu, begun = worker.cpu, time.monotonic()
        for number, (head, body) in enumerate(messages):
            if (left := begun + number / rate - time.monotonic()) > 0:
                time.sleep(left)
            rig.wire.publish_one("declines", key("completed"), head, body)
        # First that it is taken on, then that it is paid. A machine that cannot keep the rate is late for some, which are told once, that they
        # came too late: their share is told.
        told, ended = 0, time.monotonic()
        while told < 2 * count and time.monotonic() < ended + 30:
            if (depth := rig.wire.depth("crm.results")) > told:
                told, ended = depth, time.monotonic()
            time.sleep(0.2)
        used = worker.cpu - cpu
        late = worker.metrics("salvage_delay_lateness_seconds_bucket", stage="retry")
    bench.add(f"{rate}/s woken: done", "a second", count / (ended - begun - 10))
    bench.add(f"{rate}/s woken: in time", "of all", (told - count) / count)
    bench.add(f"{rate}/s woken: CPU from decline to result", "µs", used * 1e6 / count)
    for share in (0.5, 0.99):
        bench.add(f"{rate}/s woken: late, p{share * 100:.0f}", "ms", quantile(late, share))


def run(bench):
    count, seconds = bench.size(100_000, 1_000), 5 if bench.quick else 30
    with Rig(bench) as rig:
        each, cpu = park(rig, count)
        bench.add("decline to parked: done", "a second", 1 / each)
        bench.add("decline to parked: CPU", "µs", cpu * 1e6)
        for rate in [50] if bench.quick else [300, 1_000]:
            wake(bench, rig, rate, seconds)
