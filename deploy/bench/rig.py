"""What a case needs around it: a broker of its own, FlexFactor's sandbox, workers, and a look at what they use."""
import contextlib
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from declines import declines, key
from wire import Wire

root = pathlib.Path(__file__).resolve().parents[2]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="


def free_port():
    """A port on loopback with nothing behind it and nothing behind those that a broker takes besides, below the ephemeral range."""
    def is_free(port):
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) != 0

    while True:
        port = random.randrange(20000, 31000, 10)
        if all(is_free(port + offset) for offset in (0, 1, 2, 3, 100)):
            return port


def get(url, method="GET", body=None, headers={}, timeout=60):
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=timeout) as answer:
        return answer.read().decode()


def wait_for(what, condition, seconds=600, pause=0.02):
    """Returns what the condition comes to once it is true."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"gave up after {seconds} s waiting for {what}")
        time.sleep(pause)
    return answer


class Process:
    """A running process of ours and what it uses."""

    def __init__(self, command, log, environment, health):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.log, self.url, self.begun = log, f"http://{health}", time.monotonic()
        self.process = subprocess.Popen(
            command, stdout=open(log, "w"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=os.environ | environment,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
        self.id = self.process.pid

    @property
    def cpu(self):
        """Seconds of CPU, all threads: the kernel keeps a clock for it."""
        return time.clock_gettime((~self.id << 3) | 2)

    @property
    def kernel_share(self):
        """Which part of the CPU the kernel's work for it was."""
        words = open(f"/proc/{self.id}/stat").read().rpartition(")")[2].split()
        return int(words[12]) / max(int(words[11]) + int(words[12]), 1)

    def memory(self, peak=False):
        """Bytes resident, now or at most."""
        name = "VmHWM:" if peak else "VmRSS:"
        return next(int(line.split()[1]) * 1024 for line in open(f"/proc/{self.id}/status") if line.startswith(name))

    def is_ready(self, path="/readyz"):
        if self.process.poll() is not None:
            raise RuntimeError(f"it has ended: {open(self.log).read()[-2000:]}")
        try:
            return bool(get(self.url + path, timeout=2))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def metrics(self, name, **labels):
        """The series of a metric that have these labels, by their whole text."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return {
            line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in get(self.url + "/metrics").splitlines()
            if line.startswith((name + "{", name + " ")) and all(label in line for label in wanted)
        }

    def count(self, name, **labels):
        return sum(self.metrics(name, **labels).values())

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Rig:
    """Broker, sandboxes and configuration of one case, in a folder of their own."""

    def __init__(self, bench, merchants=("acme",), sandboxes=1, gateway=""):
        self.bench, self.folder, self.names = bench, bench.session / f"rig{bench.number()}", merchants
        self.folder.mkdir()
        self.binaries, self.processes, self.rounds = bench.binaries, [], 0
        self._sandboxes(sandboxes)
        self._configure(gateway)

    def __enter__(self):
        for _ in range(3):
            port = free_port()
            if subprocess.run(["bash", "deploy/local/broker", "start", self.folder / "broker", str(port)], cwd=root).returncode == 0:
                break
            shutil.rmtree(self.folder / "broker", ignore_errors=True)
        else:
            raise RuntimeError("no broker begins")
        self.port, self.url = port, f"amqp://guest:guest@127.0.0.1:{port}"
        self.run("topology", "apply")
        self.wire = Wire(self.url)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.end()
        subprocess.run(["bash", "deploy/local/broker", "kill", self.folder / "broker"], cwd=root, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder / "broker", ignore_errors=True)

    def _sandboxes(self, count):
        self.sandboxes = []
        for number in range(count):
            place = self.folder / f"sandbox{number}.port"
            self.processes.append(Process(
                [self.binaries / "flexfactor-sandbox", "--port", "0", "--port-file", place, "--threads", "2"],
                self.folder / f"sandbox{number}.log", {}, "none"))
            wait_for("the sandbox", lambda: place.exists() and place.read_text(), 60)
            self.sandboxes.append(f"http://127.0.0.1:{place.read_text().strip()}")

    def _configure(self, gateway):
        text = "merchants:\n"
        for number, name in enumerate(self.names):
            text += f"""  - id: {name}
    flexFactorGateways:
      - id: "42"
        appKey: sandbox-app-key
        appSecret: sandbox-app-secret
        mid: 5f1c1f0e-6b1a-4c5f-9a55-0d6a1c7b2e11
        hmacSigningKey: {KEY}
        environment: {self.sandboxes[number % len(self.sandboxes)] if self.sandboxes else "http://127.0.0.1:1"}
        cascadeAll: true
        {gateway}
    gateways:
      - {{ id: "7", type: nmi }}
    policy: {{ cascadeDeadlineSeconds: 600 }}
"""
        self.configuration = self.folder / "salvage.yaml"
        self.configuration.write_text(text)

    def faults(self, **faults):
        for sandbox in self.sandboxes:
            get(f"{sandbox}/sandbox/faults", "PUT", json.dumps(faults).encode())

    def run(self, *arguments):
        done = subprocess.run(
            [self.binaries / "salvage", *arguments], capture_output=True, text=True, env=os.environ | {"SALVAGE_BROKER_URL": self.url})
        if done.returncode != 0:
            raise RuntimeError(f"salvage {' '.join(arguments)}: {done.stdout}{done.stderr}")

    @contextlib.contextmanager
    def process(self, *command, before=(), ready="/readyz", pause=0.02, **settings):
        """A `salvage` that is there for a while, ready when it is handed out."""
        health, self.rounds = f"127.0.0.1:{free_port()}", self.rounds + 1
        environment = {
            "SALVAGE_BROKER_URL": self.url, "SALVAGE_CONFIG": str(self.configuration), "SALVAGE_LOG_LEVEL": "warning",
            "SALVAGE_SHUTDOWN_LAME_DUCK_SECONDS": "0",
        } | {f"SALVAGE_{name}": str(value) for name, value in settings.items()}
        listen = [word.replace("HEALTH", health) for word in command]
        process = Process(
            [*before, self.binaries / "salvage", *listen], self.folder / f"{command[0]}{self.rounds}.log", environment, health)
        self.processes.append(process)
        try:
            wait_for(f"{command[0]}", lambda: process.is_ready(ready), 600, pause)
            yield process
        finally:
            process.end()
            self.processes.remove(process)

    def worker(self, stages="", **settings):
        only = ["--stages", stages] if stages else []
        return self.process("run", "--listen", "HEALTH", "--webhooks-listen", "none", *only, **settings)

    def publish(self, way, count, large=False):
        """Puts declines into intake's queue and returns when they lie there, or have been taken from there."""
        self.rounds += 1
        self.wire.publish("declines", key(way), declines(way, count, f"R{self.rounds}.", large, self.names))


class Drained:
    """How a stage took what waited for it, told by where it puts what comes of it: messages a second, CPU and memory of the process."""

    def __init__(self, rig, worker, out, count):
        # Connecting and the first messages, with their caches empty, do not count. The broker is asked: the worker pays for its answers.
        first = wait_for("the first message", lambda: rig.wire.depth(out))
        begun, cpu = time.monotonic(), worker.cpu
        wait_for(f"{count} messages in {out}", lambda: rig.wire.depth(out) >= count, 3600)
        self.seconds, self.count = time.monotonic() - begun, count - first
        if self.count <= 0:
            raise RuntimeError(f"{count} messages are too few: all were there at once")
        self.rate = self.count / self.seconds
        self.cpu = (worker.cpu - cpu) * 1e6 / self.count
        self.memory = worker.memory(peak=True) / 1e6
