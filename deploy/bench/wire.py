"""AMQP 0-9-1 in its own words: nothing else is as fast from here, and nothing waits for an answer that need not be waited for."""
import collections
import select
import socket
import struct
import time
import urllib.parse

Delivery = collections.namedtuple("Delivery", "exchange key body properties received")


def short(text):
    return bytes([len(text.encode())]) + text.encode()


def long(content):
    return struct.pack(">I", len(content)) + content


def table(**members):
    """A field table of texts and numbers."""
    out = b""
    for name, value in members.items():
        name = name.replace("_", "-")
        out += short(name) + (b"l" + struct.pack(">q", value) if isinstance(value, int) else b"S" + long(value.encode()))
    return long(out)


def properties(message_id="", type="", headers=b""):
    """What stands before a persistent JSON message, as it is written."""
    flags, out = 1 << 15 | 1 << 12, short("application/json")
    if headers:
        flags, out = flags | 1 << 13, out + headers
    out += b"\x02"
    if message_id:
        flags, out = flags | 1 << 7, out + short(message_id)
    if type:
        flags, out = flags | 1 << 5, out + short(type)
    return struct.pack(">H", flags) + out


class Wire:
    """One connection with one channel."""

    def __init__(self, url):
        url = urllib.parse.urlparse(url)
        self.socket = socket.create_connection((url.hostname, url.port or 5672))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer, self.deliveries, self.partial, self.last_tag = b"", collections.deque(), None, 0
        login = f"\0{urllib.parse.unquote(url.username or 'guest')}\0{urllib.parse.unquote(url.password or 'guest')}".encode()
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self._answer(10, 10)
        self._send(self._method(10, 11, table() + short("PLAIN") + long(login) + short("en_US"), channel=0))
        self._answer(10, 30)
        host = urllib.parse.unquote(url.path[1:]) or "/"
        self._send(
            self._method(10, 31, struct.pack(">HIH", 2047, 131072, 0), channel=0) + self._method(10, 40, short(host) + b"\0\0", channel=0))
        self._answer(10, 41)
        self._call(20, 10, b"\0", 11)

    def close(self):
        self.socket.close()

    # --- Messages out

    def publish(self, exchange, key, messages):
        """Sends (properties, body) after another and returns when the broker has seen them all."""
        method, out, waiting = self._method(60, 40, b"\0\0" + short(exchange) + short(key) + b"\0"), [], 0
        for head, body in messages:
            out.append(method + self._frame(2, struct.pack(">HHQ", 60, 0, len(body)) + head))
            out += [self._frame(3, body[at:at + 131064]) for at in range(0, len(body), 131064)]
            waiting += 1
            if waiting == 200:
                self._send(b"".join(out))
                out, waiting = [], 0
        self._send(b"".join(out))
        self._call(60, 10, struct.pack(">IHB", 0, 1_000, 0), 11)

    def publish_one(self, exchange, key, head, body):
        """Sends and does not wait."""
        self._send(
            self._method(60, 40, b"\0\0" + short(exchange) + short(key) + b"\0")
            + self._frame(2, struct.pack(">HHQ", 60, 0, len(body)) + head) + self._frame(3, body))

    # --- Queues

    def depth(self, queue):
        """Messages that wait to be handed out."""
        payload = self._call(50, 10, b"\0\0" + short(queue) + b"\x01" + table(), 11)
        return struct.unpack_from(">I", payload, 1 + payload[0])[0]

    def purge(self, queue):
        self._call(50, 30, b"\0\0" + short(queue) + b"\0", 31)

    # --- Messages in

    def consume(self, queue, offset=None):
        """Begins to take messages; a stream's from its offset on."""
        self._call(60, 10, struct.pack(">IHB", 0, 1_000, 0), 11)
        arguments = table() if offset is None else table(x_stream_offset=offset)
        self._call(60, 20, b"\0\0" + short(queue) + short("") + b"\0" + arguments, 21)

    def take(self, seconds):
        """What has come within that time, acknowledged."""
        end = time.monotonic() + seconds
        while not self.deliveries and (left := end - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                self._read()
        taken, self.deliveries = list(self.deliveries), collections.deque()
        if taken:
            self._send(self._method(60, 80, struct.pack(">QB", self.last_tag, 1)))
        return taken

    # --- Frames

    @staticmethod
    def _frame(kind, payload, channel=1):
        return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"

    def _method(self, of, number, arguments, channel=1):
        return self._frame(1, struct.pack(">HH", of, number) + arguments, channel)

    def _send(self, content):
        self.socket.sendall(content)

    def _call(self, of, number, arguments, answer):
        self._send(self._method(of, number, arguments))
        return self._answer(of, answer)

    def _answer(self, of, number):
        while True:
            if (payload := self._read((of, number))) is not None:
                return payload

    def _read(self, awaited=None):
        """Reads what is there; returns the arguments of the method that is waited for, once it has come."""
        found = None
        content = self.socket.recv(1 << 18)
        if not content:
            raise ConnectionError("the broker has closed the connection")
        buffer, at, now = self.buffer + content, 0, time.monotonic()
        while len(buffer) - at >= 8:
            kind, _, size = struct.unpack_from(">BHI", buffer, at)
            if len(buffer) - at < size + 8:
                break
            payload = buffer[at + 7:at + 7 + size]
            at += size + 8
            if kind == 1:
                method = struct.unpack_from(">HH", payload)
                if method == awaited:
                    found = payload[4:]
                elif method == (60, 60):
                    self._delivered(payload)
                elif method in ((10, 50), (20, 40)):
                    raise ConnectionError(f"the broker says {payload[6:]!r}")
            elif kind == 2:
                self.partial[2:] = [payload[12:], struct.unpack_from(">Q", payload, 4)[0], []]
                self._finish(now)
            elif kind == 3:
                self.partial[4].append(payload)
                self._finish(now)
        self.buffer = buffer[at:]
        return found

    def _delivered(self, payload):
        at = 5 + payload[4]
        self.last_tag = struct.unpack_from(">Q", payload, at)[0]
        at += 9
        exchange = payload[at + 1:at + 1 + payload[at]].decode()
        at += 1 + payload[at]
        self.partial = [exchange, payload[at + 1:at + 1 + payload[at]].decode(), b"", 0, []]

    def _finish(self, now):
        exchange, key, head, size, parts = self.partial
        if sum(map(len, parts)) == size:
            self.deliveries.append(Delivery(exchange, key, b"".join(parts), head, now))
