"""Runs cases and prints what they measured. `deploy/local/bench` calls it, in a session, with what it needs."""
import importlib
import itertools
import pathlib
import sys
import time
import traceback

from figures import Figures
from rig import root

CASES = [
    "intake", "cascade", "latency", "retry", "webhooks", "start", "growth", "letters", "processes", "parts", "slow", "claims", "parked",
]


class Bench:
    """What every case knows: where it is, how large it is to be, and where figures go."""

    def __init__(self, session, binaries, results, revision, quick, rounds):
        self.session, self.binaries, self.results, self.quick = *map(pathlib.Path, (session, binaries, results)), quick
        self.figures = Figures(results, quick, revision)
        self.rounds = rounds or (2 if quick else 5)
        self.counter, self.given, self.root = itertools.count(1), None, root

    def number(self):
        return next(self.counter)

    def size(self, whole, quick):
        """How many, unless the command line says so."""
        return self.given or (quick if self.quick else whole)

    def add(self, *arguments, **target):
        self.figures.add(self.case, *arguments, **target)

    def run(self, name):
        self.case, _, given = name.partition("=")
        self.given = int(given) if given else None
        case = importlib.import_module(f"cases.{self.case}")
        print(f"== {self.case}: {case.__doc__.strip().splitlines()[0]}", flush=True)
        begun = time.monotonic()
        case.run(self)
        print(f"   {time.monotonic() - begun:.0f} s", flush=True)


def main():
    session, binaries, results, revision, *words = sys.argv[1:]
    quick, keep, rounds, names = False, False, None, []
    for word in words:
        if word == "--quick":
            quick = True
        elif word == "--keep":
            keep = True
        elif word.startswith("--rounds="):
            rounds = int(word.partition("=")[2])
        else:
            names.append(word)
    bench = Bench(session, binaries, results, revision, quick, rounds)
    failed = []
    for name in names or CASES:
        try:
            bench.run(name)
        except Exception as error:
            failed.append(name)
            traceback.print_exc()
            print(f"   {name} came to no end: {error}", file=sys.stderr, flush=True)
    bench.figures.write(keep)
    print("\n" + bench.figures.markdown())
    print(f"\n{results}/latest.json, latest.txt{'; kept for later runs' if keep else ''}")
    if failed:
        sys.exit(f"without {', '.join(failed)}")


main()
