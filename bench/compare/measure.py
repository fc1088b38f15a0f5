"""What one process costs, and the load it is put under."""

import os
import re
import resource
import socket
import ssl
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
LOAD_CORE, PEER_CORE = "0", "1"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process and its threads."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def resident(pid):
    """VmRSS, in MB."""
    return status(pid, "VmRSS")


def high_water(pid):
    """VmHWM, the most that was ever resident, in MB."""
    return status(pid, "VmHWM")


def status(pid, field):
    return int(re.search(field + r":\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) / 1000


class Process:
    """A process of ours on one core, stopped by its id. With a control group it is in there when it begins."""

    def __init__(self, command, core, log, env=None, cwd=None, group=None):
        self.command, self.log = [str(part) for part in command], log

        def enter():
            os.sched_setaffinity(0, {int(core)})
            group.enter()

        self.started = time.monotonic()
        if group:
            # no `taskset`, whose own start would be charged to the group, and no records in a file, whose pages would be
            self.child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=log, env=env, cwd=cwd, preexec_fn=enter)
        else:
            self.child = subprocess.Popen(["taskset", "-c", core] + self.command, stdout=subprocess.DEVNULL if log is None else log,
                                          stderr=subprocess.STDOUT, env=env, cwd=cwd)
        self.pid = self.child.pid

    def until_ok(self, port, path="/f25", headers="", patience=15, tls=None):
        """Asks until the answer is a 200; returns the seconds since the start."""
        ask = f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n{headers}\r\n".encode()
        answer = b""
        while time.monotonic() - self.started < patience:
            if self.child.poll() is not None:
                raise RuntimeError(f"ended with {self.child.returncode}: {' '.join(self.command)}; see its log {self.log and self.log.name}")
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as stream:
                    stream.settimeout(2)
                    stream = tls.wrap_socket(stream) if tls else stream
                    stream.sendall(ask)
                    answer = stream.recv(4096)
                    if b" 200 " in answer.split(b"\r\n", 1)[0]:
                        return time.monotonic() - self.started
            except OSError:
                pass
            time.sleep(0.0002)
        raise RuntimeError(f"no 200 within {patience} s from {' '.join(self.command)}: {answer[:300]!r}")

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


def wrk(url, seconds, connections, headers=(), script=None, script_arguments=()):
    """Requests that were answered, requests that were not with 2xx, and seconds."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", str(script)]
    done = subprocess.run(command + [url] + [str(one) for one in script_arguments], capture_output=True, text=True, check=True).stdout
    count = int(re.search(r"(\d+) requests in", done)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", done)
    return count, (int(bad[1]) if bad else 0) + (sum(map(int, errors.groups())) if errors else 0)


def h2load(url, seconds, connections, streams):
    """The same over HTTP/2."""
    done = subprocess.run(["taskset", "-c", LOAD_CORE, "h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}", url],
                          capture_output=True, text=True, check=True).stdout
    numbers = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded", done)
    return int(numbers[1]), int(numbers[1]) - int(numbers[2])


def anyone():
    """A TLS client that believes every server: what the peer pays is measured, not what the client does."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def handshakes(port, seconds, resumed):
    """A request on a TLS connection each, one after the other: new ones, or with the session of the one before.

    Without Nagle's algorithm, as every HTTP client: the request follows the client's Finished in a segment of its
    own, and Nagle would hold it until the server acknowledges that one. A server that sends its session tickets at
    once does; Envoy (BoringSSL) keeps them for its first answer, so that the kernel acknowledges only after 40 ms."""
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    context, session, count, bad = anyone(), None, 0, 0
    ask = b"GET /f25 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        plain = socket.create_connection(("127.0.0.1", port), 5)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with plain, context.wrap_socket(plain, session=session) as stream:
            stream.sendall(ask)
            answer = b""
            while BODY not in answer and (part := stream.recv(4096)):
                answer += part
            count += 1
            bad += BODY not in answer or (resumed and session is not None and not stream.session_reused)
            if resumed:
                session = stream.session
    return count, bad


def latencies(url, seconds, connections, rate, log):
    """p50, p99 and p99.9 in ms at a fixed rate, by h2load's log of every request."""
    log.unlink(missing_ok=True)
    each = max(rate / connections, 0.1)
    subprocess.run(["taskset", "-c", LOAD_CORE, "h2load", "--h1", "-t1", f"-c{connections}", f"--rps={each:.2f}", f"-D{seconds}",
                    f"--log-file={log}", url], capture_output=True, check=True)
    times = sorted(int(line.split("\t")[2]) for line in open(log) if line.split("\t")[1] == "200")
    at = lambda share: times[min(int(len(times) * share), len(times) - 1)] / 1000
    return at(0.5), at(0.99), at(0.999)


def hold(port, count, pid):
    """Opens connections, sends one request on each, keeps them: MB resident then; none when the peer does not take as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    try:
        for _ in range(count):
            stream = socket.create_connection(("127.0.0.1", port), 5)
            stream.settimeout(5)
            stream.sendall(b"GET /f25 HTTP/1.1\r\nHost: bench\r\n\r\n")
            answer = b""
            while b"\r\n\r\n" not in answer or not answer.endswith(BODY):
                part = stream.recv(4096)
                if not part:
                    raise RuntimeError(f"connection {len(held)} of {count} was closed")
                answer += part
            held.append(stream)
        return resident(pid)
    except OSError:
        return None
    finally:
        for stream in held:
            stream.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


BODY = b"exactly 25 bytes of text\n"
