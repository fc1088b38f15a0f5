"""google-auth for Python gets an identity token from the stand-in for the metadata server and verifies it. The
argument is its address."""

import sys
import unittest

import google.auth.transport.requests
import jwt
from google.auth import compute_engine
from google.oauth2 import id_token

METADATA = sys.argv.pop()
CERTS = f"{METADATA}/oauth2/v3/certs"
AUDIENCE = "https://proxy.acme.example"


class ServiceTokens(unittest.TestCase):
    def setUp(self):
        self.request = google.auth.transport.requests.Request()

    def test_a_token_is_for_its_audience(self):
        token = id_token.fetch_id_token(self.request, AUDIENCE)
        claims = id_token.verify_token(token, self.request, audience=AUDIENCE, certs_url=CERTS)
        self.assertEqual(claims["aud"], AUDIENCE)
        self.assertEqual(claims["email"], "frontend@demo-acme.iam.gserviceaccount.com")
        self.assertIs(claims["email_verified"], True)
        self.assertEqual(claims["iss"], "https://accounts.google.com")
        self.assertEqual(claims["exp"] - claims["iat"], 3600)
        with self.assertRaises(jwt.InvalidAudienceError):
            id_token.verify_token(token, self.request, audience="https://elsewhere.example", certs_url=CERTS)

    def test_another_signature_is_refused(self):
        token = id_token.fetch_id_token(self.request, AUDIENCE)
        header, payload, signature = token.split(".")
        letter = "A" if signature[20] != "A" else "B"
        forged = f"{header}.{payload}.{signature[:20]}{letter}{signature[21:]}"
        with self.assertRaises(jwt.InvalidSignatureError):
            id_token.verify_token(forged, self.request, audience=AUDIENCE, certs_url=CERTS)

    def test_the_account_and_the_project_are_told(self):
        credentials, project = google.auth.default()
        self.assertIsInstance(credentials, compute_engine.Credentials)
        self.assertEqual(project, "demo-acme")
        credentials.refresh(self.request)
        self.assertEqual(credentials.service_account_email, "frontend@demo-acme.iam.gserviceaccount.com")
        self.assertTrue(credentials.token)


if __name__ == "__main__":
    unittest.main(verbosity=2)
