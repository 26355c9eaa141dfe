"""Where each microsecond goes: allocations of a message, CPU by what it is spent on, and each part of the work on an event by itself."""
import collections
import re
import shutil
import struct
import subprocess

from declines import template
from rig import Drained, Rig, wait_for

from cases.intake import waiting

# What a sample was spent on: the innermost of its calls that one of these names.
WORK = [(name, re.compile(pattern)) for name, pattern in [
    ("sign", r"MessageSignature|HMAC|[Ss]ha512|SHA512|EVP_|OSSL_|FlexFactorClient\.signed|libcrypto"),
    ("claim", r"Claim|DebtBook|Fingerprint|Teller"),
    ("FlexFactor over HTTP", (
        r"HTTPLane|FlexFactor(Client|Port|Answer|Order)|EvaluateRequest|HTTPResponse|c_nio_llhttp|HTTPDecoder|HTTPRequestEncoder|"
        r"BaseS\w+Channel|ByteToMessage|ChannelPipeline")),
    ("decode what came", r"CRMMessage|DeclineEvent\.init|\bdecode|FieldReader|CloudEvent\.data|JSONReader|CardData|JSONValue\.init"),
    ("decide", r"DeclineMapping|DeclineCase|Evaluation|Classif|Router\.|RecoveryRunner|Recovery\.|RecoveryReference|Verdict"),
    ("write what goes", r"JSONWriter|JSONText|encode|JournalRecord|JournaledDecline|ResultEvent|brokerMessage|MessageProperties"),
    ("link to the broker", r"amqp_|BrokerLink|\bSession\.|\bConnection\.|ConfirmLedger|PublishBatch|\bConsumer\b|Delivery\b"),
    ("stages and shares", r"Stage|GatewayShares|\bLane\.|Survivors|Moves"),
    ("metrics", r"Metric"),
]]
# What none of them names, by where it ends: tasks have no caller on the stack.
RUNTIME = [(name, re.compile(pattern)) for name, pattern in [
    ("tasks", r"swift_task|swift_job|swift::|Task|[Ee]xecutor|_dispatch|Continuation|EventLoop|pthread|syscall|epoll"),
    ("values (retain, release, copies)", r"swift_|outlined|destroy|initialize|Array|String|memmove|memcpy"),
    ("malloc and free", r"malloc|_int_free|cfree|^free|realloc|calloc|unlink_chunk"),
]]


def allocations(bench, rig, count):
    """How often a message's work asks for memory."""
    library = rig.folder / "allocations.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "deploy/bench/allocations.c", "-o", library], cwd=bench.root, check=True)

    def counted(place):
        return struct.unpack("Q", place.read_bytes())[0]

    waiting(rig, "declined", count)
    for stage, out, most in [("intake", "recovery.cascade", 40), ("cascade", "crm.results", 90)]:
        place = rig.folder / f"{stage}.allocations"
        with rig.process(
            "run", "--listen", "HEALTH", "--webhooks-listen", "none", "--stages", stage, ready="/livez",
            before=["env", f"LD_PRELOAD={library}", f"ALLOCATIONS_FILE={place}"]
        ):
            first = wait_for("the first message", lambda: rig.wire.depth(out))
            begun = counted(place)
            wait_for("the last message", lambda: rig.wire.depth(out) >= count)
            each = (counted(place) - begun) / (count - first)
        bench.add(f"{stage}: allocations a message", "", each, below=most)


def group(calls):
    for call in calls:
        for name, pattern in WORK:
            if pattern.search(call):
                return name
    return next((name for name, pattern in RUNTIME if pattern.search(calls[0])), "other")


def samples(record):
    """Each sample's calls by their Swift names, the innermost first."""
    text = subprocess.run(
        ["perf", "script", "-f", "-i", record, "-F", "ip,sym,dso"], capture_output=True, text=True, errors="replace").stdout
    # ADDRESS NAME (LIBRARY); where the library does not say the name, it stands for it.
    line = re.compile(r"^\s*[0-9a-f]+ (.*) \((.*)\)$", re.M)
    each = [[library if name == "[unknown]" else name for name, library in line.findall(sample)] for sample in text.split("\n\n")]
    each = [calls for calls in each if calls]
    names = sorted({call for calls in each for call in calls})
    told = subprocess.run(["swift", "demangle", "--simplified", "--compact"], input="\n".join(names), capture_output=True, text=True)
    known = dict(zip(names, told.stdout.splitlines())) if told.returncode == 0 else {}
    return [[known.get(call, call).partition("(")[0] for call in calls] for calls in each]


def spent(bench, rig, stage, out, count):
    """CPU of a message by what it was spent on. Only the own part is seen; the kernel's is what the rest comes to."""
    record = bench.results / f"{stage}.perf"
    with rig.worker(stage, ready="/livez") as worker:
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-F", "1999", "-e", "cpu-clock:u", "--call-graph", "fp", "-p", str(worker.id), "-o", record],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        drained, kernel = Drained(rig, worker, out, count), worker.kernel_share
        perf.terminate()
        perf.wait()
    counts = collections.Counter(group(calls) for calls in samples(record))
    total = sum(counts.values())
    each = drained.cpu
    bench.add(f"{stage}: CPU a message, measured while it is watched", "µs", each)
    bench.add(f"{stage}: the kernel", "µs", each * kernel)
    for name, number in counts.most_common():
        bench.add(f"{stage}: {name}", "µs", each * (1 - kernel) * number / total)


def by_itself(bench):
    """Time on one thread of each part of the work on one event, without broker and network, and what a tool counts of it."""
    program, event = bench.binaries / "bench-parts", bench.session / "event.json"
    if not program.exists():
        print("   bench-parts was not built: its parts are left out")
        return
    event.write_text(template("approved").replace("$RUN", "0000123"))
    counts = shutil.which("valgrind") and shutil.which("objcopy")
    if counts:
        # Valgrind gives up over debugging data that it cannot read, and needs none to count.
        bare = bench.session / "bench-parts"
        subprocess.run(["objcopy", "--strip-debug", program, bare], check=True)

    def counted(tool, option, pattern, part):
        def times(count):
            told = subprocess.run(
                ["valgrind", f"--tool={tool}", option, bare, event, part, str(count)], capture_output=True, text=True).stderr
            if not (number := re.search(pattern, told)):
                raise RuntimeError(f"valgrind cannot run {program}: {' '.join(told.splitlines()[-3:])}")
            return int(number[1].replace(",", ""))
        return (times(300) - times(100)) / 200

    for line in subprocess.run([program, event], capture_output=True, text=True, check=True).stdout.splitlines():
        part, _, microseconds = line.partition("\t")
        bench.add(f"{part}, alone", "µs", float(microseconds))
        if counts:
            instructions = counted("callgrind", "--callgrind-out-file=/dev/null", r"Collected\s*:\s*([\d,]+)", part)
            bench.add(f"{part}, alone: instructions", "", instructions)
            allocations = counted("memcheck", "--undef-value-errors=no", r"total heap usage: ([\d,]+) allocs", part)
            bench.add(f"{part}, alone: allocations", "", allocations)


def run(bench):
    count = bench.size(20_000, 5_000)
    with Rig(bench) as rig:
        allocations(bench, rig, count)
        if shutil.which("perf"):
            waiting(rig, "declined", count)
            spent(bench, rig, "intake", "recovery.cascade", count)
            rig.wire.purge("crm.results")
            spent(bench, rig, "cascade", "crm.results", count)
        else:
            print("   perf is not installed: what CPU is spent on is left out")
    by_itself(bench)
