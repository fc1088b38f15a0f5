"""Instructions that a request costs the proxy outside the kernel, counted by callgrind: the one figure that nothing else
on the machine moves, so that a change of one in a hundred is seen. Time it is not: valgrind's processor has no AVX-512."""

import os
import re
import subprocess

from . import measure, peers

ROWS = (("25 B over HTTP/1.1", "/f25"), ("16 KiB over HTTP/1.1", "/f16k"))
CONNECTIONS = 8


def measured(site, seconds, _rounds):
    """Per row: the instructions of a request."""
    return {name: counted(site, path, seconds) for name, path in ROWS}


def counted(site, path, seconds):
    out = site.directory / "callgrind.out"
    port = measure.free_port()
    command, env = peers.PROXY.command(site, "egress", port)
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    process = measure.Process(valgrind + command, measure.PEER_CORE, site.log("callgrind"), os.environ | env)
    try:
        process.until_ok(port, path, patience=60)
        url = f"http://127.0.0.1:{port}{path}"
        measure.wrk(url, 2, CONNECTIONS)   # connections are made, buffers are there
        control(process, "-i", "on")
        count, bad = measure.wrk(url, seconds, CONNECTIONS)
        control(process, "-i", "off")
        control(process, "-d")
    finally:
        process.stop()
    if bad or not count:
        raise RuntimeError(f"{bad} of {count} requests failed under callgrind")
    # a dump each time it is asked for, and one at the end, which has nothing
    totals = [int(total) for dump in out.parent.glob(out.name + "*") for total in re.findall(r"^totals: (\d+)", dump.read_text(), re.M)]
    for dump in out.parent.glob(out.name + "*"):
        dump.unlink()
    print(f"{path:35} {max(totals) / count:.0f} instructions", flush=True)
    return max(totals) / count


def control(process, *what):
    subprocess.run(["callgrind_control", *what, str(process.pid)], check=True, stdout=subprocess.DEVNULL)
