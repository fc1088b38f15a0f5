"""firebase-admin for Python verifies tokens of the stand-in as it does in production: nothing but the addresses of
the keys is another. The argument is the stand-in's address."""

import base64
import json
import os
import sys
import unittest

import firebase_admin
import jwt
import requests
from firebase_admin import _token_gen, auth, credentials
from google.auth.credentials import AnonymousCredentials

IDENTITY = sys.argv.pop()
assert "FIREBASE_AUTH_EMULATOR_HOST" not in os.environ, "with it no signature is checked"
KEYS = f"{IDENTITY}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
JWKS = f"{IDENTITY}/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
_token_gen.COOKIE_CERT_URI = f"{IDENTITY}/identitytoolkit/v3/relyingparty/publicKeys"


class Nobody(credentials.Base):
    """Credentials are asked for, and not used."""

    def get_credential(self):
        return AnonymousCredentials()


def post(path, body, **more):
    answer = requests.post(f"{IDENTITY}/{path}", json=body, timeout=10, **more)
    answer.raise_for_status()
    return answer.json()


def sign_up(email):
    return post("v1/accounts:signUp?key=k", {"email": email, "password": "Long-enough-1"})


def app(project="demo-acme", keys=KEYS):
    """An app of its own, with an empty cache of keys."""
    _token_gen.ID_TOKEN_CERT_URI = keys
    app.count = getattr(app, "count", 0) + 1
    return firebase_admin.initialize_app(Nobody(), options={"projectId": project}, name=f"app-{app.count}")


def changed(token, part):
    """The token with one letter of a part changed, far from the end, whose letters may have spare bits."""
    parts = token.split(".")
    letters = list(parts[part])
    letters[20] = "A" if letters[20] != "A" else "B"
    parts[part] = "".join(letters)
    return ".".join(parts)


class Tokens(unittest.TestCase):
    def test_a_signed_token_is_verified(self):
        made = sign_up("verify@acme.example")
        claims = auth.verify_id_token(made["idToken"], app=app())
        self.assertEqual((claims["uid"], claims["email"]), (made["localId"], "verify@acme.example"))
        self.assertEqual(claims["iss"], "https://securetoken.google.com/demo-acme")

    def test_a_wrong_signature_is_refused(self):
        token = sign_up("wrong@acme.example")["idToken"]
        with self.assertRaisesRegex(auth.InvalidIdTokenError, "(?i)signature"):
            auth.verify_id_token(changed(token, 2), app=app())
        header, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        claims["sub"] = claims["user_id"] = "somebody-else"
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        with self.assertRaises(auth.InvalidIdTokenError):
            auth.verify_id_token(f"{header}.{forged}.{token.split('.')[2]}", app=app())
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        with self.assertRaises(auth.InvalidIdTokenError):
            auth.verify_id_token(f"{none}.{payload}.", app=app())

    def test_an_expired_token_is_refused(self):
        post("emulator/v1/clock", {"advance": -7200, "of": "tokens"})
        try:
            token = sign_up("expired@acme.example")["idToken"]
        finally:
            requests.delete(f"{IDENTITY}/emulator/v1/clock", timeout=10).raise_for_status()
        with self.assertRaises(auth.ExpiredIdTokenError):
            auth.verify_id_token(token, app=app())

    def test_a_token_of_another_project_is_refused(self):
        token = sign_up("project@acme.example")["idToken"]
        with self.assertRaisesRegex(auth.InvalidIdTokenError, "aud"):
            auth.verify_id_token(token, app=app(project="demo-other"))

    def test_a_key_that_is_published_is_found_and_another_one_is_not(self):
        before = app()
        auth.verify_id_token(sign_up("before@acme.example")["idToken"], app=before)
        post("emulator/v1/keys:rotate", {})
        after = sign_up("after@acme.example")["idToken"]
        self.assertEqual(auth.verify_id_token(after, app=before)["email"], "after@acme.example", "both were known")
        post("emulator/v1/keys:rotate", {"fresh": True})
        fresh = sign_up("fresh@acme.example")["idToken"]
        with self.assertRaises(auth.InvalidIdTokenError):
            auth.verify_id_token(fresh, app=before)
        self.assertEqual(auth.verify_id_token(fresh, app=app())["email"], "fresh@acme.example")

    def test_the_key_set_verifies_as_the_certificates_do(self):
        token = sign_up("jwks@acme.example")["idToken"]
        self.assertEqual(auth.verify_id_token(token, app=app(keys=JWKS))["email"], "jwks@acme.example")
        with self.assertRaises(jwt.InvalidSignatureError):  # of the library below
            auth.verify_id_token(changed(token, 2), app=app(keys=JWKS))

    def test_a_session_cookie_is_verified_with_keys_of_its_own(self):
        token = sign_up("cookie@acme.example")["idToken"]
        made = post(
            "v1/projects/demo-acme:createSessionCookie", {"idToken": token, "validDuration": "3600"},
            headers={"Authorization": "Bearer owner"},
        )
        cookie = made["sessionCookie"]
        self.assertEqual(auth.verify_session_cookie(cookie, app=app())["email"], "cookie@acme.example")
        with self.assertRaises(auth.InvalidSessionCookieError):
            auth.verify_session_cookie(changed(cookie, 2), app=app())
        with self.assertRaises(auth.InvalidSessionCookieError):
            auth.verify_session_cookie(token, app=app())
        with self.assertRaises(auth.InvalidIdTokenError):
            auth.verify_id_token(cookie, app=app())


if __name__ == "__main__":
    unittest.main(verbosity=2)
