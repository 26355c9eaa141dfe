"""What was measured: a row for each figure, with its rounds, its target, and the ratio to what was kept of this machine."""
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess

LESS, MORE = "less", "more"


def machine():
    """What the figures hold for."""
    told = {}
    for line in open("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        told.setdefault(name.strip(), value.strip())
    memory = int(open("/proc/meminfo").readline().split()[1])
    return {
        "cpu": told.get("model name", platform.machine()), "cores": os.cpu_count(), "memoryGB": round(memory / 1e6),
        "kernel": platform.release(), "hypervised": "hypervisor" in told.get("flags", ""),
    }


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def short(value):
    """Three digits that count."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Figures:
    def __init__(self, folder, quick, of):
        self.folder, self.rows = pathlib.Path(folder), []
        self.head = {
            "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "revision": of, "quick": quick,
            "machine": machine(), "broker": output("dpkg-query", "-W", "-f=${Version}", "rabbitmq-server"),
            "load": [round(os.getloadavg()[0], 1)],
        }
        try:
            kept = json.loads(self._kept.read_text())
            self.kept = {(row["case"], row["what"], row["unit"]): row["median"] for row in kept["rows"]} if self._is_ours(kept) else {}
        except FileNotFoundError:
            self.kept = {}

    @property
    def _kept(self):
        return self.folder / ("kept-quick.json" if self.head["quick"] else "kept.json")

    def _is_ours(self, kept):
        return kept["machine"] == self.head["machine"]

    def add(self, case, what, unit, values, below=None, above=None):
        """A row. `values` are the rounds, `below` or `above` what is aimed at."""
        values = [value for value in (values if isinstance(values, list) else [values]) if value is not None]
        if not values:
            return
        row = {
            "case": case, "what": what, "unit": unit, "median": statistics.median(values), "least": min(values), "most": max(values),
            "rounds": len(values),
        }
        if below is not None:
            row |= {"target": f"under {short(below)}", "met": row["median"] < below}
        if above is not None:
            row |= {"target": f"{short(above)} or more", "met": row["median"] >= above}
        if (kept := self.kept.get((case, what, unit))):
            row["toKept"] = row["median"] / kept
        self.rows.append(row)
        print(("  " + "  ".join(f"{cell:{'<' if index in (0, 2) else '>'}{width}}" for index, (cell, width) in enumerate(
            zip(self._cells(row)[1:], (54, 8, 12, 17, 8, 24))))).rstrip(), flush=True)

    @staticmethod
    def _cells(row):
        spread = f"{short(row['least'])} to {short(row['most'])}" if row["rounds"] > 1 else ""
        target = row.get("target", "") and row["target"] + ("" if row["met"] else ", missed")
        kept = f"{row['toKept']:.2f}" if "toKept" in row else ""
        return [row["case"], row["what"], short(row["median"]), row["unit"], spread, kept, target]

    def markdown(self):
        head = self.head
        hardware = f"{head['machine']['cpu']}, {head['machine']['cores']} cores, {head['machine']['memoryGB']} GB"
        lines = [
            f"{hardware}{', a virtual machine' if head['machine']['hypervised'] else ''}; Linux {head['machine']['kernel']}, "
            f"RabbitMQ {head['broker']}; load {head['load'][0]} at the beginning, {head['load'][-1]} at the end; "
            f"{head['at'][:10]}, {head['revision']}{', small sizes' if head['quick'] else ''}.", "",
            "| case | figure | median | unit | least to most | to kept | target |", "|---|---|---|---|---|---|---|",
        ]
        return "\n".join(lines + ["| " + " | ".join(self._cells(row)) + " |" for row in self.rows])

    def write(self, keep):
        self.head["load"].append(round(os.getloadavg()[0], 1))
        self.folder.mkdir(exist_ok=True)
        whole = json.dumps(self.head | {"rows": self.rows}, indent=1) + "\n"
        (self.folder / "latest.json").write_text(whole)
        (self.folder / "latest.txt").write_text(self.markdown() + "\n")
        if keep:
            # Cases that were not run now keep what they had.
            try:
                before = json.loads(self._kept.read_text())
            except FileNotFoundError:
                before = {"rows": [], "machine": None}
            now = {(row["case"], row["what"], row["unit"]) for row in self.rows}
            rest = [row for row in before["rows"] if (row["case"], row["what"], row["unit"]) not in now] if self._is_ours(before) else []
            self._kept.write_text(json.dumps(self.head | {"rows": self.rows + rest}, indent=1) + "\n")
