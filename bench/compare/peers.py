"""The peers: how each is configured, and how it is started. Every one has one worker on one core."""

import json
import os
import resource

from . import machine
from .measure import PEER_CORE, Process, free_port

TEMPLATES = machine.ROOT / "bench" / "peers"


class Site:
    """Where a run keeps its files: certificates, origin, configurations."""

    def __init__(self, directory, origin, jwks):
        self.directory, self.origin, self.jwks = directory, origin, jwks

    def fill(self, template, name, **values):
        """A template with its @NAMES@ replaced, as a file."""
        values = {"PKI": self.directory / "pki", "DIR": self.directory, "JWKS": self.jwks} | values
        text = (TEMPLATES / template).read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = self.directory / name
        path.write_text(text)
        return path

    def log(self, name):
        return open(self.directory / f"{name}.log", "ab")


class Peer:
    """Something that is compared. `features` says what was on, for whoever reads the table."""

    name = features = ""
    roles = ("egress",)

    def start(self, site, role, group=None, **options):
        """A running process and its port. Options: `upstream` (http1, http2), `downstream` (http1, http2)."""
        port = free_port()
        command, env = self.command(site, role, port, **options)
        process = Process(command, PEER_CORE, site.log(self.name.replace(" ", "-")), os.environ | env, group=group)
        process.port = port
        return process

    def origin(self, site, role, options):
        if role != "egress":
            return site.origin["ORIGIN_PLAIN"]
        return site.origin["ORIGIN_H2" if options.get("upstream") == "http2" else "ORIGIN_TLS"]


class Proxy(Peer):
    """Ours, with the documents that are deployed."""

    name = "proxy"
    features = "the documents of istio/egress as they are; metrics, trace context, header hygiene, default retries"
    roles = ("egress", "gateway", "tls")

    def command(self, site, role, port, access_log="off", **options):
        origin = self.origin(site, role, options)
        pki = site.directory / "pki"
        flags = ["--bind", "127.0.0.1", "--admin", f"127.0.0.1:{free_port()}", "--access-log", access_log]
        if role != "egress":
            documents = site.fill(f"proxy-{role}.yaml", f"{role}.yaml", ORIGIN=origin)
            documents.write_text(grown(documents.read_text(), options))
            flags += ["--namespace", "istio-ingress", "--labels", "istio=ingress", "--port-map", f"80:{port},443:{port}",
                      "--mesh-config", machine.ROOT / "istio/mesh-config.yaml"]
        else:
            documents = machine.ROOT / "istio/egress"
            if options.get("upstream") == "http2":
                documents = site.directory / "egress-http2"
                documents.mkdir(exist_ok=True)
                for one in (machine.ROOT / "istio/egress").glob("*.yaml"):
                    text = one.read_text()
                    if one.name == "upstream.yaml":
                        text = text.replace("protocol: HTTP ", "protocol: HTTP2 ")
                    (documents / one.name).write_text(text)
            flags += ["--namespace", "cloud-run", "--labels", "app=proxy",
                      "--mesh-config", machine.ROOT / "istio/mesh-config-egress.yaml"]
        env = {"PORT": str(port), "GATEWAY_ADDRESS": "127.0.0.1", "GATEWAY_PORT": str(origin), "CLIENT_CERT": str(pki / "client.crt"),
               "CLIENT_KEY": str(pki / "client.key"), "CLIENT_CA": str(pki / "ca.crt"), "RUST_LOG": "warn"}
        return [machine.program("proxy"), "--config", documents] + flags, env


class Envoy(Peer):
    """Envoy with the best configuration that we know, or with the one that istiod makes of our documents."""

    def __init__(self, version, istio):
        self.version, self.istio = version, istio
        self.roles = ("egress", "gateway") if istio else ("egress", "gateway", "tls")
        self.name = f"Envoy {version}" + (" as Istio sets it up" if istio else "")
        self.features = ("what istiod 1.30.3 makes of the same documents; request ids, default retries, gRPC counters, RBAC; no telemetry filters"
                         if istio else "router only; no request ids, no normalisation in the egress role; JWT cache on in the gateway role")

    def command(self, site, role, port, **options):
        template = f"envoy-istio-{role}.json" if self.istio else f"envoy-{role}.yaml"
        protocol = "http2_protocol_options" if options.get("upstream") == "http2" else "http_protocol_options"
        config = site.fill(template, f"{self.version}-{template}", PORT=port, ADMIN=free_port(), ORIGIN=self.origin(site, role, options),
                           UPSTREAM_PROTOCOL=protocol, JWKS=json.dumps(site.jwks)[1:-1])
        if options.get("routes") or options.get("policies"):
            config.write_text(json.dumps(grown_envoy(json.loads(config.read_text()), options)))
        return [machine.envoy(self.version), "-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "error"], {}


class Nginx(Peer):
    name = "nginx"
    features = "proxy_pass with 256 kept connections; no log"
    roles = ("egress", "tls")

    def command(self, site, role, port, **options):
        http2 = " http2" if options.get("downstream") == "http2" else ""
        config = site.fill(f"nginx-{role}.conf", "nginx.conf", PORT=port, ORIGIN=self.origin(site, role, options), H2=http2)
        return ["nginx", "-p", site.directory, "-c", config], {}


class HaProxy(Peer):
    name = "HAProxy"
    features = "http-reuse always; no log"
    roles = ("egress", "tls")

    def command(self, site, role, port, **options):
        for pem, name in (("client", "client"), ("server", "gateway")):
            pair = [(site.directory / "pki" / f"{name}.{kind}").read_text() for kind in ("crt", "key")]
            (site.directory / f"{pem}.pem").write_text("".join(pair))
        http2 = " proto h2" if options.get("downstream") == "http2" else ""
        alpn = "h2" if options.get("upstream") == "http2" else "http/1.1"
        config = site.fill(f"haproxy-{role}.cfg", "haproxy.cfg", PORT=port, ORIGIN=self.origin(site, role, options), H2=http2, ALPN=alpn,
                           MAXCONN=min(32768, resource.getrlimit(resource.RLIMIT_NOFILE)[1] // 2 - 100))
        return ["haproxy", "-db", "-f", config], {}


class Relay(Peer):
    name = "relay"
    features = "rustls and a copy loop; no HTTP at all: the floor of this design"

    def command(self, site, role, port, **options):
        return [machine.relay(), f"127.0.0.1:{port}", f"127.0.0.1:{self.origin(site, role, options)}", site.directory / "pki"], {}


PROXY = Proxy()
PEERS = [PROXY, Envoy("1.40.0", False), Envoy("1.38.3", True), Nginx(), HaProxy(), Relay()]


ROUTE = """  - name: other-{0}
    match: [{{uri: {{prefix: /other-{0}/}}}}]
    route: [{{destination: {{host: backend.test}}}}]
"""
POLICY = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: other-{0}, namespace: istio-ingress}}
spec:
  selector: {{matchLabels: {{istio: ingress}}}}
  action: ALLOW
  rules:
  - from: [{{source: {{requestPrincipals: ["https://securetoken.google.com/other-{0}/*"]}}}}]
    to: [{{operation: {{paths: ["/other-{0}/*"]}}}}]
"""


def grown(text, options):
    """Routes and policies before the ones that take the request: the worst place for it."""
    routes = "".join(ROUTE.format(at) for at in range(options.get("routes", 0)))
    policies = "".join(POLICY.format(at) for at in range(options.get("policies", 0)))
    return text.replace("  http:\n", "  http:\n" + routes, 1) + policies


def grown_envoy(config, options):
    """The same in what istiod makes of it: a route each, and an entry in the RBAC filter each."""
    manager = config["staticResources"]["listeners"][0]["filterChains"][0]["filters"][0]["typedConfig"]
    routes = manager["routeConfig"]["virtualHosts"][0]["routes"]
    others = [json.loads(json.dumps(routes[0])) for _ in range(options.get("routes", 0))]
    for at, route in enumerate(others):
        route["match"]["prefix"] = f"/other-{at}/"
    routes[:0] = others
    policies = next(one for one in manager["httpFilters"] if "rbac" in one["name"])["typedConfig"]["rules"]["policies"]
    model = json.dumps(policies["ns[istio-ingress]-policy[users]-rule[1]"])
    for at in range(options.get("policies", 0)):
        policies[f"ns[istio-ingress]-policy[other-{at}]-rule[0]"] = json.loads(
            model.replace("/api/", f"/other-{at}/").replace("demo-acme", f"other-{at}"))
    return config


def origin(directory):
    """The upstream of every comparison, on the load generator's core."""
    ports = {name: free_port() for name in ("ORIGIN_TLS", "ORIGIN_H2", "ORIGIN_PLAIN", "SINK")}
    site = Site(directory, ports, "")
    files = directory / "files"
    (files / "api").mkdir(parents=True, exist_ok=True)
    for name, body in {"f25": b"exactly 25 bytes of text\n", "f16k": os.urandom(16 * 1024), "f1m": os.urandom(1024 * 1024)}.items():
        (files / name).write_bytes(body)
        (files / "api" / name).write_bytes(body)
    config = site.fill("origin.conf", "origin.conf", **ports)
    process = Process(["nginx", "-p", directory, "-c", config], "0", site.log("origin"))
    process.until_ok(ports["ORIGIN_PLAIN"])
    return process, ports
