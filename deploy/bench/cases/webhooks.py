"""FlexFactor's webhooks: signature, date, nonce, and the broker's confirm before each answer."""
import base64
import hashlib
import hmac
import json
import select
import socket
import time
import uuid
from email.utils import formatdate

from rig import KEY, Rig, free_port


def requests(count, host, run):
    """Signed as FlexFactor signs, each of an order of its own."""
    key = base64.b64decode(KEY)
    code = lambda content: base64.b64encode(hmac.digest(key, content, "sha512")).decode()
    for number in range(count):
        body = json.dumps({
            "Event": "order.completed", "OrderId": str(uuid.UUID(int=run << 64 | number)), "ExternalOrderId": f"R{run}.{number:07d}-S0",
            "TimeStamp": "2026-01-01T00:00:00Z", "IsTestMode": False, "IsResent": False,
            "EventData": {"Amount": 4999, "Currency": "USD", "PayerId": str(uuid.UUID(int=number)), "Status": "COMPLETED"},
        }).encode()
        digest, nonce, date = base64.b64encode(hashlib.sha512(body).digest()).decode(), uuid.uuid4().hex, formatdate(usegmt=True)
        signed = f"POST\n{nonce};{date};{host};{digest}".encode()
        yield (
            f"POST /webhooks/acme/42 HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"x-fc-nonce: {nonce}\r\nx-fc-date: {date}\r\nx-fc-content-sha512: {digest}\r\n"
            f"x-fc-authorization: HMAC-SHA512 SignedHeaders=x-fc-nonce;x-fc-date;host;x-fc-content-sha512&Signature={code(signed)}\r\n"
            f"x-fc-signature: {code(body)}\r\n\r\n").encode() + body


def send(port, prepared, connections=32):
    """Sends all, one at a time on each connection; returns how many were answered with 200, and the seconds."""
    links = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    left, taken, answered, begun = iter(prepared), 0, 0, time.monotonic()
    poll = select.epoll()
    by_file = {link.fileno(): link for link in links}
    waiting = 0
    for link in links:
        poll.register(link, select.EPOLLIN)
        if (request := next(left, None)) is not None:
            link.sendall(request)
            waiting += 1
    while waiting:
        for file, _ in poll.poll():
            answer = by_file[file].recv(65_536)
            if not answer:
                raise ConnectionError("a connection was closed")
            answered += 1
            taken += answer.startswith(b"HTTP/1.1 200")
            waiting -= 1
            if (request := next(left, None)) is not None:
                by_file[file].sendall(request)
                waiting += 1
    seconds = time.monotonic() - begun
    for link in links:
        link.close()
    return taken, seconds


def run(bench):
    count = bench.size(10_000, 1_000)
    cpus, rates, kernel = [], [], []
    with Rig(bench, sandboxes=0) as rig:
        port = free_port()
        with rig.process("webhooks", "--listen", "HEALTH", "--webhooks-listen", f"127.0.0.1:{port}") as receiver:
            send(port, requests(500, f"127.0.0.1:{port}", 0))
            for number in range(bench.rounds):
                prepared = list(requests(count, f"127.0.0.1:{port}", number + 1))
                cpu = receiver.cpu
                taken, seconds = send(port, prepared)
                if taken != count:
                    raise RuntimeError(f"{count - taken} of {count} webhooks were not taken")
                cpus.append((receiver.cpu - cpu) * 1e6 / count)
                rates.append(count / seconds)
            kernel.append(100 * receiver.kernel_share)
            bench.add("CPU a webhook", "µs", cpus, below=60)
            bench.add("webhooks", "a second", rates)
            bench.add("of the CPU, the kernel's part", "%", kernel)
            bench.add("memory", "MB", receiver.memory() / 1e6)
