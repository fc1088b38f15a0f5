"""Signed tokens for the gateway role: RS256 with a 2048-bit key, and ES256, made once and kept."""

import base64
import hashlib
import json
import re
import subprocess
import time

LIFETIME = 12 * 3600                       # seconds: longer than any run
ISSUER = "https://securetoken.google.com/demo-acme"
# DigestInfo of SHA-256 (RFC 8017, section 9.2)
SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Keys:
    """A key pair of each kind."""

    def __init__(self, directory):
        self.rsa, self.ec = directory / "rsa.pem", directory / "ec.pem"
        if not self.rsa.exists():
            openssl("genrsa", "-traditional", "-out", self.rsa, "2048")
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.ec)
        text = openssl("rsa", "-in", self.rsa, "-noout", "-text").decode()
        number = lambda name: int(re.search(name + r":\s*((?:[0-9a-f]{2}:?\s*)+)", text)[1].translate({58: "", 10: "", 32: ""}), 16)
        self.n, self.p, self.q = number("modulus"), number("prime1"), number("prime2")
        self.dp, self.dq, self.qi = number("exponent1"), number("exponent2"), number("coefficient")

    def set(self):
        """The JSON Web Key Set."""
        point = openssl("ec", "-in", self.ec, "-pubout", "-outform", "DER")[-64:]
        return json.dumps({"keys": [
            {"kty": "RSA", "kid": "rsa", "alg": "RS256", "use": "sig", "n": b64(self.n.to_bytes(256, "big")), "e": "AQAB"},
            {"kty": "EC", "kid": "ec", "alg": "ES256", "use": "sig", "crv": "P-256", "x": b64(point[:32]), "y": b64(point[32:])},
        ]}, separators=(",", ":"))

    def rs256(self, user):
        text = claims("RS256", "rsa", user)
        padded = b"\x00\x01" + b"\xff" * (256 - 3 - 51) + b"\x00" + SHA256 + hashlib.sha256(text.encode()).digest()
        message = int.from_bytes(padded, "big")
        one, two = pow(message, self.dp, self.p), pow(message, self.dq, self.q)
        signature = two + self.q * ((one - two) * self.qi % self.p)
        return text + "." + b64(signature.to_bytes(256, "big"))

    def es256(self, user):
        text = claims("ES256", "ec", user)
        der = openssl("dgst", "-sha256", "-sign", self.ec, data=text.encode())
        parts, at = [], 2
        for _ in range(2):                 # SEQUENCE of two INTEGERs, whose leading zeros come and go
            length = der[at + 1]
            parts.append(int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big"))
            at += 2 + length
        return text + "." + b64(b"".join(parts))


def claims(algorithm, kid, user):
    """Header and claims of the size that Identity Platform's tokens have: about 1 kB in all."""
    now = int(time.time())
    body = {
        "iss": ISSUER, "aud": "demo-acme", "auth_time": now, "user_id": user, "sub": user, "iat": now, "exp": now + LIFETIME,
        "email": f"{user}@acme.example", "email_verified": True, "name": "A shopper who likes to read messages",
        "picture": "https://acme.example/pictures/" + hashlib.sha256(user.encode()).hexdigest(),
        "firebase": {"identities": {"email": [f"{user}@acme.example"]}, "sign_in_provider": "password"},
    }
    parts = ({"alg": algorithm, "kid": kid, "typ": "JWT"}, body)
    return ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)


def many(keys, file, count):
    """A file of `count` distinct RS256 tokens, a line each; made anew when they are old."""
    if not file.exists() or file.stat().st_mtime < time.time() - LIFETIME / 2:
        file.write_text("".join(keys.rs256(f"user-{at:05}") + "\n" for at in range(count)))
    return file
