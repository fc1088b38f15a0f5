"""Start and memory under the smallest sizes that Cloud Run has, and what is answered there under load."""

import statistics

from . import groups, measure, peers, services

# what one asks Cloud Run for: bytes and processors. Below 512 MiB there is the first generation only, and below one
# processor an instance gets one request at a time; the load here is the same for all.
SIZES = {
    "128 MiB, 0.08 vCPU": (128 << 20, 0.08),
    "128 MiB, 1 vCPU": (128 << 20, 1),
    "512 MiB, 1 vCPU": (512 << 20, 1),
}
CONNECTIONS = 64


def measured(site, seconds, rounds):
    """By size and program, and the version of control groups; or why there is nothing."""
    reason = groups.unavailable()
    if reason:
        print(reason, flush=True)
        return {"reason": reason}
    results = {}
    with services.Surroundings(site) as around:
        for size, (memory, processors) in SIZES.items():
            results[size] = {}
            for name, start, path, cookie in programs(site, around):
                one = under(start, path, cookie, memory, processors, seconds, rounds)
                results[size][name] = one
                print(f"{size:20} {name:30} {one}", flush=True)
    return {"groups": groups.version(), "sizes": results}


def programs(site, around):
    """Name, how to start it, what it is asked. The last one for comparison."""
    yield "frontend, sign-in form", around.frontend, "/", None
    yield "frontend, signed-in page", around.frontend, "/", around.cookie
    yield "backend", lambda **how: services.start("backend", {}, site, **how), "/api/secure.json", None
    for peer in (peers.PROXY, next(one for one in peers.PEERS if one.name.startswith("Envoy"))):
        def start(peer=peer, **how):
            process = peer.start(site, "egress", **how)
            return process, process.port
        yield peer.name, start, "/f25", None


def under(start, path, cookie, memory, processors, seconds, rounds):
    """Starts one in a group of its own, some times, and puts the last one under load."""
    first, header = [], f"Cookie: {cookie}" if cookie else ""
    for left in reversed(range(rounds)):
        group = groups.Group("size", memory, processors)
        try:
            process, port = start(group=group)
            try:
                first.append(process.until_ok(port, path, header and header + "\r\n") * 1000)
                if not left:
                    return loaded(process, group, f"http://127.0.0.1:{port}{path}", header, seconds) | {"first": statistics.median(first)}
            except RuntimeError:
                if not group.killed():
                    raise
                return dict.fromkeys(("first", "idle", "peak", "rate", "failed")) | {"charged": group.peak(), "killed": group.killed()}
            finally:
                process.stop()
        finally:
            group.remove()


def loaded(process, group, url, header, seconds):
    """Memory before and after the load; whether it lived through it."""
    idle = measure.high_water(process.pid)
    count, bad = measure.wrk(url, seconds, CONNECTIONS, [header] if header else [])
    alive = process.child.poll() is None
    return {"idle": idle, "peak": measure.high_water(process.pid) if alive else None, "charged": group.peak(), "rate": count / seconds,
            "failed": bad, "killed": group.killed()}
