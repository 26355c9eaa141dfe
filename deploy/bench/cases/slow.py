"""What one merchant's slow FlexFactor costs another merchant's sales, and what is there behind it."""
import re
import time

from declines import declines, key
from rig import Rig, get
from wire import Wire

from cases.latency import at

number_of = re.compile(rb'"id":"APPROVE\.([^"]+)"')


def sales(rig, crm, name, number, pause):
    """How long each sale of the quick merchant takes from the decline to its result, in milliseconds."""
    sent, waits = {}, []
    messages = list(declines("approved", number, f"{name}.", merchants=("quick",)))
    begun, next_one = time.monotonic(), 0
    while len(waits) < number:
        if time.monotonic() > begun + number * pause + 90:
            raise TimeoutError(f"{number - len(waits)} sales were not answered")
        while next_one < number and begun + next_one * pause <= time.monotonic():
            sent[number_of.search(messages[next_one][1])[1]] = time.monotonic()
            rig.wire.publish_one("declines", key("approved"), *messages[next_one])
            next_one += 1
        for result in crm.take(0.001):
            began = sent.pop(number_of.search(result.body)[1], None)
            if began:
                waits.append((result.received - began) * 1000)
    return sorted(waits)


def run(bench):
    count, number = bench.size(4_000, 400), 100 if bench.quick else 400
    with Rig(bench, merchants=("slow", "quick"), sandboxes=2) as rig:
        get(f"{rig.sandboxes[0]}/sandbox/faults", "PUT", b'{"latencyP50":10000,"latencyP99":10001,"endpoints":["evaluate"]}')
        crm = Wire(rig.url)
        crm.consume("crm.results")
        with rig.worker():
            sales(rig, crm, "WARM", number, 0.02)
            phases = {"alone": sales(rig, crm, "ALONE", number, 0.02)}
            rig.wire.publish("declines", key("approved"), declines("approved", count, "SLOW.", merchants=("slow",)))
            phases[f"behind a burst of {count:,}"] = sales(rig, crm, "BURST", number, 0.02)
            # Its sales have passed intake by now, and all that may wait for their slow FlexFactor.
            phases[f"beside {count:,} that wait"] = sales(rig, crm, "BESIDE", 2 * number, 0.02)
            for name, waits in phases.items():
                for share in (0.5, 0.99, 1):
                    bench.add(f"a sale {name}: {f'p{share * 100:.0f}' if share < 1 else 'longest'}", "ms", at(waits, share))
        crm.close()
