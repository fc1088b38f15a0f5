"""The front end and the backend, each beside the same bytes from a minimal axum program and from nginx as a static file."""

import base64
import http.client
import os
import statistics
import urllib.parse
import urllib.request

from . import machine, measure
from .measure import LOAD_CORE, PEER_CORE, Process, free_port

USER = {"email": "shopper@acme.example", "password": "Acme-demo-2026"}   # the stand-in's first


class Surroundings:
    """What the front end talks to: the stand-ins of `local`, and the message at the origin. It signs somebody in."""

    def __init__(self, site):
        self.site, self.parts, self.cookie = site, [], None
        (site.directory / "files" / "api" / "secure.json").write_bytes(b'{"message":"Hello World"}')
        self.message = f"http://127.0.0.1:{site.origin['ORIGIN_PLAIN']}/api/secure.json"

    def __enter__(self):
        try:
            identity, metadata = self.part("identity", "/"), self.part("metadata", "/oauth2/v3/certs")
            self.env = {
                "AUTH_APIKEY": "demo-key", "GOOGLE_CLOUD_PROJECT": "demo-acme", "SESSION_KEYS": base64.b64encode(bytes(32)).decode(),
                "PROXY_URL": f"http://127.0.0.1:{self.site.origin['ORIGIN_PLAIN']}",
                "FIREBASE_AUTH_EMULATOR_HOST": f"127.0.0.1:{identity}", "GCE_METADATA_HOST": f"127.0.0.1:{metadata}",
            }
            self.sign_in()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for part in self.parts:
            part.stop()

    def part(self, name, path):
        port = free_port()
        process = Process([machine.local(), "run", name, "--listen", f"127.0.0.1:{port}", "--state", self.site.directory / "local"],
                          LOAD_CORE, self.site.log(name), os.environ | {"RUST_LOG": "warn"})
        self.parts.append(process)
        process.until_ok(port, path)
        return port

    def sign_in(self):
        """The session of a user, good for every front end with these keys."""
        process, port = self.frontend()
        try:
            process.until_ok(port, "/")
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("POST", "/sign-in", urllib.parse.urlencode(USER), {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            if answer.status != 303:
                raise RuntimeError(f"the sign-in answers {answer.status}: {answer.read()[:300]!r}")
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        finally:
            process.stop()

    def frontend(self, **how):
        return start("frontend", self.env, self.site, **how)


def measured(site, seconds, rounds):
    """By page: microseconds per request for the service and the two others, ms to its first answer, MB resident after the load."""
    results = {}
    with Surroundings(site) as around:
        backend = lambda: start("backend", {}, site)
        for name, begin, path, cookie, upstream in (
            ("frontend, sign-in form", around.frontend, "/", None, []),
            ("frontend, signed-in page", around.frontend, "/", around.cookie, [around.message]),
            ("backend", backend, "/api/secure.json", None, []),
        ):
            results[name] = beside(begin, path, cookie, upstream, site, seconds, rounds)
            print(f"{name:35} {results[name]}", flush=True)
    return results


def beside(begin, path, cookie, upstream, site, seconds, rounds):
    """A service and the other two, in turn, round by round."""
    headers = [f"Cookie: {cookie}"] if cookie else []
    cost_of = {"cpu": [], "axum": [], "nginx": []}
    first, resident = [], 0
    for _ in range(rounds):
        process, port = begin()
        try:
            first.append(process.until_ok(port, path, "".join(one + "\r\n" for one in headers)) * 1000)
            url = f"http://127.0.0.1:{port}{path}"
            body = urllib.request.urlopen(urllib.request.Request(url, headers=dict(one.split(": ", 1) for one in headers))).read()
            if cookie and b"Hello World" not in body:
                raise RuntimeError(f"{path}: not the signed-in page: {body[:300]!r}")
            cost_of["cpu"].append(cost(process, url, seconds, headers))
            resident = measure.resident(process.pid)
        finally:
            process.stop()
        (site.directory / "files" / "page").write_bytes(body)
        for name, other, at in (("axum", axum, "/"), ("nginx", nginx, "/page")):
            process, port = other(site, upstream)
            try:
                process.until_ok(port, at)
                cost_of[name].append(cost(process, f"http://127.0.0.1:{port}{at}", seconds))
            finally:
                process.stop()
    medians = {name: statistics.median(values) for name, values in cost_of.items()}
    return {"path": path, "bytes": len(body), "first": statistics.median(first), "resident": resident} | medians


def cost(process, url, seconds, headers=()):
    measure.wrk(url, 1, 64, headers)
    before = sum(measure.cpu_seconds(process.pid))
    count, bad = measure.wrk(url, seconds, 64, headers)
    if bad or not count:
        raise RuntimeError(f"{url}: {bad} of {count} requests failed")
    return (sum(measure.cpu_seconds(process.pid)) - before) * 1e6 / count


def start(name, env, site, group=None):
    port = free_port()
    process = Process([machine.program(name)], PEER_CORE, site.log(name),
                      os.environ | env | {"PORT": str(port), "LISTEN_ADDRESS": "127.0.0.1", "RUST_LOG": "warn"}, group=group)
    return process, port


def axum(site, upstream):
    """The same bytes; where the page asks for the message, so does this."""
    port = free_port()
    return Process([machine.page(), f"127.0.0.1:{port}", site.directory / "files" / "page", *upstream], PEER_CORE, site.log("page")), port


def nginx(site, _):
    port = free_port()
    config = site.fill("static.conf", "static.conf", PORT=port)
    return Process(["nginx", "-p", site.directory, "-c", config], PEER_CORE, site.log("static")), port
