"""The work: what is asked of each peer, and the figures that come of it."""

import statistics
from dataclasses import dataclass, field

from . import measure

LUA_UPLOAD = """wrk.method = "POST"
wrk.body = string.rep("x", 65536)
"""
# every thread goes through the tokens in order; requests are made before the clock starts
LUA_TOKENS = """local requests, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", nil, {["Authorization"] = "Bearer " .. line})
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
"""


@dataclass
class Row:
    """One kind of work. `must` and `goal` are ratios to peers, by name."""

    name: str
    role: str = "egress"
    path: str = "/f25"
    connections: int = 64
    tokens: str = ""                       # hot RS256 or ES256, or "many"
    upload: bool = False
    downstream: str = "http1"
    upstream: str = "http1"
    resumed: bool = False
    options: dict = field(default_factory=dict)
    peers: tuple = ()                      # none = all of the role
    must: dict = field(default_factory=dict)
    goal: dict = field(default_factory=dict)


ISTIO = "Envoy 1.38.3 as Istio sets it up"
ROWS = [
    Row("25 B over HTTP/1.1", must={"Envoy 1.40.0": 0.60, "nginx": 1.05, "relay": 1.25}, goal={"Envoy 1.40.0": 0.50, "nginx": 0.95, "relay": 1.10}),
    Row("16 KiB over HTTP/1.1", path="/f16k", must={"Envoy 1.40.0": 0.72, "relay": 1.20}, goal={"Envoy 1.40.0": 0.62, "relay": 1.08}),
    Row("1 MiB over HTTP/1.1", path="/f1m", connections=8),
    Row("64 KiB upload", path="/upload", upload=True, connections=16),
    Row("25 B, access log on", options={"access_log": "stdout"}, peers=("proxy",)),
    Row("25 B, HTTP/2 from the client", downstream="http2", connections=8, peers=("proxy", "Envoy 1.40.0", "nginx", "HAProxy")),
    Row("25 B, HTTP/2 to the upstream", upstream="http2", peers=("proxy", "Envoy 1.40.0", "HAProxy")),
    Row("one RS256 token and a policy", role="gateway", path="/api/f25", tokens="rs256", must={ISTIO: 0.35}, goal={ISTIO: 0.25}),
    Row("one ES256 token and a policy", role="gateway", path="/api/f25", tokens="es256"),
    Row("one RS256 token, 1000 routes", role="gateway", path="/api/f25", tokens="rs256", options={"routes": 1000}, peers=("proxy", ISTIO)),
    Row("one RS256 token, 100 policies", role="gateway", path="/api/f25", tokens="rs256", options={"policies": 100}, peers=("proxy", ISTIO)),
    Row("10 000 RS256 tokens and a policy", role="gateway", path="/api/f25", tokens="many", must={ISTIO: 0.80}, goal={ISTIO: 0.60}),
    Row("a new TLS connection each", role="tls"),
    Row("a resumed TLS connection each", role="tls", resumed=True),
]


def run(row, process, site, tokens, seconds):
    """One round: microseconds of user, system and both per request, and requests per second."""
    url = f"http://127.0.0.1:{process.port}{row.path}"
    headers, script, arguments = [], None, []
    if row.tokens in ("rs256", "es256"):
        headers = ["Authorization: Bearer " + tokens[row.tokens]]
    elif row.tokens == "many":
        script, arguments = site.directory / "tokens.lua", [tokens["many"]]
        script.write_text(LUA_TOKENS)
    elif row.upload:
        script = site.directory / "upload.lua"
        script.write_text(LUA_UPLOAD)

    def load(duration):
        if row.role == "tls":
            return measure.handshakes(process.port, duration, row.resumed)
        if row.downstream == "http2":
            return measure.h2load(url, duration, row.connections, 8)
        return measure.wrk(url, duration, row.connections, headers, script, arguments)

    load(1)
    before = measure.cpu_seconds(process.pid)
    count, bad = load(seconds)
    after = measure.cpu_seconds(process.pid)
    if bad or not count:
        raise RuntimeError(f"{row.name}: {bad} of {count} requests failed")
    user, system = ((late - early) * 1e6 / count for early, late in zip(before, after))
    return {"user": user, "system": system, "cpu": user + system, "rate": count / seconds}


def median(rounds):
    """Figure by figure, with the spread of the CPU time."""
    result = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    result["low"], result["high"] = (edge(one["cpu"] for one in rounds) for edge in (min, max))
    result["rounds"] = [one["cpu"] for one in rounds]
    return result


def first_answer(peer, site, times):
    """Exec to the first proxied 200, in ms."""
    taken = []
    for _ in range(times):
        process = peer.start(site, "egress")
        try:
            taken.append(process.until_ok(process.port) * 1000)
        finally:
            process.stop()
    return statistics.median(taken)
