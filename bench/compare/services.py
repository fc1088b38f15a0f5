"""The front end and the backend, each beside nginx with the same answer as a static file."""

import base64
import os
import statistics
import urllib.request

from . import machine, measure
from .measure import PEER_CORE, Process, free_port

# what one of them is asked, and where it finds what it needs; nobody is signed in, so it calls nobody
SERVICES = {
    "frontend": ("/", {"AUTH_APIKEY": "demo-key", "GOOGLE_CLOUD_PROJECT": "demo-acme", "PROXY_URL": "http://127.0.0.1:9",
                       "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9", "GCE_METADATA_HOST": "127.0.0.1:9",
                       "SESSION_KEYS": base64.b64encode(bytes(32)).decode()}),
    "backend": ("/api/secure.json", {}),
}


def measured(site, seconds, rounds):
    """By service: microseconds per request for it and for nginx, ms to its first answer, MB resident after the load."""
    results = {}
    for name, (path, env) in SERVICES.items():
        ours, static, first, resident = [], [], [], 0
        for _ in range(rounds):
            process, port = start(name, env, site)
            try:
                first.append(process.until_ok(port, path) * 1000)
                body = urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").read()
                ours.append(cost(process, f"http://127.0.0.1:{port}{path}", seconds))
                resident = measure.resident(process.pid)
            finally:
                process.stop()
            process, port = nginx(site, body)
            try:
                process.until_ok(port, "/page")
                static.append(cost(process, f"http://127.0.0.1:{port}/page", seconds))
            finally:
                process.stop()
        results[name] = {"path": path, "bytes": len(body), "cpu": statistics.median(ours), "nginx": statistics.median(static),
                         "first": statistics.median(first), "resident": resident}
        print(f"{name:35} {results[name]}", flush=True)
    return results


def cost(process, url, seconds):
    measure.wrk(url, 1, 64)
    before = sum(measure.cpu_seconds(process.pid))
    count, bad = measure.wrk(url, seconds, 64)
    if bad or not count:
        raise RuntimeError(f"{url}: {bad} of {count} requests failed")
    return (sum(measure.cpu_seconds(process.pid)) - before) * 1e6 / count


def start(name, env, site):
    port = free_port()
    process = Process([machine.program(name)], PEER_CORE, site.log(name),
                      os.environ | env | {"PORT": str(port), "LISTEN_ADDRESS": "127.0.0.1", "RUST_LOG": "warn"})
    return process, port


def nginx(site, body):
    port = free_port()
    (site.directory / "files" / "page").write_bytes(body)
    config = site.fill("static.conf", "static.conf", PORT=port)
    return Process(["nginx", "-p", site.directory, "-c", config], PEER_CORE, site.log("static")), port
