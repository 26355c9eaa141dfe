"""Dead letters by the hundred thousand: the console's start, which folds them all, and its pages."""
import re
import time

from declines import declines
from rig import Rig, get
from wire import properties

from cases.intake import relayed, sample


def run(bench):
    count = bench.size(100_000, 2_000)
    with Rig(bench, sandboxes=0) as rig:
        # A letter as a worker writes it, of a merchant that nobody knows.
        rig.names = ("nobody",)
        with rig.worker("intake"):
            rig.publish("approved", 1)
            letter = sample(rig, "recovery.dead", "first")
        body, head = letter.body, letter.properties
        marks = set(re.findall(rb"R\d+\.0000000", body + head))
        ids = set(re.findall(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", body + head))

        def another(number):
            here, there = body, head
            for mark in marks:
                here, there = (text.replace(mark, mark[:-7] + b"%07d" % number) for text in (here, there))
            for id in ids:
                here, there = (text.replace(id, id[:-12] + b"%012x" % number) for text in (here, there))
            return there, here

        rig.wire.publish("recovery.dead", letter.key, map(another, range(1, count)))
        folded, bare, first, later, memories = [], [], [], [], []
        for _ in range(bench.rounds):
            # Without letters to fold a console starts as well; what it takes longer is the fold.
            with rig.process("console", "--listen", "HEALTH", pause=0.005) as console:
                folded.append((time.monotonic() - console.begun) * 1000)

                def page(offset):
                    begun = time.monotonic()
                    text = get(f"{console.url}/api/letters?limit=50&offset={offset}", headers={"X-Salvage-Console": "1"})
                    if f'"total":{count},' not in text.replace(" ", ""):
                        raise RuntimeError(f"the console has other letters: {text[:200]}")
                    return (time.monotonic() - begun) * 1000

                first.append(page(0))
                later += [page(offset) for offset in range(0, count, count // 10)]
                memories.append(console.memory() / 1e6)
            seconds, _ = relayed(rig, "recovery.dead", 10_000, count)
            bare.append(seconds * 1000)
        bench.add(f"start with {count:,} letters until ready", "ms", folded, below=2_000)
        bench.add(f"{count:,} letters read by the bare relay", "ms", bare)
        bench.add("first page", "ms", first, below=300)
        bench.add("a page", "ms", later)
        bench.add("memory", "MB", memories)
