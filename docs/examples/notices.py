#!/usr/bin/python3
"""A receiver of Salvage's notices: believes only what is signed, hears each once, and prints it. Python's own library is all that it needs.

  NOTICE_SECRET=whsec_... notices.py [PORT]     listens on 127.0.0.1, port 9000 unless told otherwise

Secrets that are being exchanged stand with a blank between. NOTICE_REFUSE=N has the first N answered 503, to see that they come again.
"""
import base64, collections, hashlib, hmac, http.server, json, os, sys, threading, time

KEYS = [base64.b64decode(secret.removeprefix("whsec_")) for secret in os.environ["NOTICE_SECRET"].split()]
TOLERANCE = 300
MOST = 1 << 20
lock = threading.Lock()
heard = collections.OrderedDict()
refusals = int(os.environ.get("NOTICE_REFUSE", "0"))


def is_ours(headers, body):
    """Whether it is signed with one of our secrets, and not long ago."""
    number, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (at.isascii() and at.isdigit()) or abs(time.time() - int(at)) > TOLERANCE:
        return False
    told = [part.removeprefix("v1,").encode() for part in headers.get("webhook-signature", "").split() if part.startswith("v1,")]
    for key in KEYS:
        expected = base64.b64encode(hmac.new(key, f"{number}.{at}.".encode() + body, hashlib.sha256).digest())
        if any(hmac.compare_digest(expected, one) for one in told):
            return True
    return False


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_POST(self):
        global refusals
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(int(length))
        if not is_ours(self.headers, body):
            return self.answer(401)
        if refusals > 0:
            refusals -= 1
            return self.answer(503)
        number = self.headers["webhook-id"]
        with lock:
            if number not in heard:
                # Acted on first, then remembered and answered: a notice may come twice, and must not come never.
                notice = json.loads(body)
                print(json.dumps({"id": number, **notice}), flush=True)
                heard[number] = True
                while len(heard) > 10_000:
                    heard.popitem(last=False)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 9000), Receiver).serve_forever()
