"""How long a worker takes to know what was claimed, and in how much memory: by reading it all, and by a snapshot that it wrote itself."""
import json
import re
import time

from rig import Rig, wait_for
from wire import properties

TYPE = "com.salvage.recovery.claim.v1"


def claims(count):
    """As workers write them: half say that a request goes out, half what came of it."""
    now = int(time.time() * 1000)
    result = json.dumps({"specversion": "1.0", "data": {f"member{number}": "of a result event" for number in range(16)}})
    for number in range(count):
        recovery, told = divmod(number, 2)
        reference = f"ORDER{recovery:08d}-S0"
        data = {
            "claim": "told" if told else "send", "claimId": f"{number:x}", "merchantId": "acme", "reference": reference,
            "debt": f"{recovery * 0x9e3779b97f4a7c15f39cc0605cedc835 % 2**128:032x}", "minorUnits": 4999, "currency": "USD", "at": now,
            "until": now + 33 * 86_400_000, "worker": "bench", "gateway": "42",
        }
        data |= {"kind": "approved", "basis": "known", "result": result} if told else {"post": 1}
        yield properties(type=TYPE), json.dumps({
            "specversion": "1.0", "id": f"{reference}/claim/{number:x}", "source": "salvage", "type": TYPE, "subject": reference,
            "datacontenttype": "application/json", "data": data,
        }, separators=(",", ":")).encode()


def known(bench, worker, what):
    text = wait_for("the claims", lambda: re.search(r'"The claims are known.*?"ms":"?(\d+)', open(worker.log).read(), re.S), 3_600)
    bench.add(f"{what}: known after", "s", int(text[1]) / 1000)
    bench.add(f"{what}: memory", "MB", worker.memory() / 1e6)


def run(bench):
    count = bench.size(1_000_000, 150_000)
    with Rig(bench, sandboxes=0) as rig:
        rig.wire.publish("recovery.claims", "", claims(count))
        saying = {"LOG_FORMAT": "json", "LOG_LEVEL": "info"}
        with rig.worker("cascade", **saying) as worker:
            known(bench, worker, f"{count:,} claims")
            wait_for("a snapshot", lambda: "A snapshot of the claims is written" in open(worker.log).read(), 600, 0.5)
        with rig.worker("cascade", **saying) as worker:
            known(bench, worker, f"a snapshot of {count:,} claims")
