"""firebase-admin for Python, told of an emulator, manages users of the stand-in. The argument is its address."""

import sys
import unittest

import firebase_admin
import requests
from firebase_admin import auth, credentials, exceptions, tenant_mgt
from google.auth.credentials import AnonymousCredentials

IDENTITY = sys.argv.pop()


class Nobody(credentials.Base):
    """Credentials are asked for, and not used."""

    def get_credential(self):
        return AnonymousCredentials()


firebase_admin.initialize_app(Nobody(), {"projectId": "demo-acme"})


def sign_in(email, password, **more):
    url = f"{IDENTITY}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=k"
    answer = requests.post(url, json={"email": email, "password": password, **more}, timeout=10)
    return answer.status_code, answer.json()


class Users(unittest.TestCase):
    def test_a_user_is_made_found_changed_and_deleted(self):
        made = auth.create_user(
            uid="ada", email="ada@acme.example", password="secret-1", display_name="Ada", phone_number="+16505550100"
        )
        self.assertEqual((made.uid, made.email, made.email_verified), ("ada", "ada@acme.example", False))
        for found in (
            auth.get_user("ada"),
            auth.get_user_by_email("Ada@acme.example"),
            auth.get_user_by_phone_number("+16505550100"),
        ):
            self.assertEqual((found.uid, found.display_name), ("ada", "Ada"))
            self.assertGreater(found.user_metadata.creation_timestamp, 1_700_000_000_000)
        changed = auth.update_user(
            "ada", display_name=auth.DELETE_ATTRIBUTE, phone_number=auth.DELETE_ATTRIBUTE, email_verified=True,
            photo_url="https://acme.example/ada.png",
        )
        self.assertEqual((changed.display_name, changed.phone_number), (None, None))
        self.assertEqual((changed.email_verified, changed.photo_url), (True, "https://acme.example/ada.png"))
        with self.assertRaises(auth.UidAlreadyExistsError):
            auth.create_user(uid="ada")
        with self.assertRaises(auth.EmailAlreadyExistsError):
            auth.create_user(email="ada@acme.example")
        auth.delete_user("ada")
        with self.assertRaises(auth.UserNotFoundError):
            auth.get_user("ada")
        with self.assertRaises(auth.UserNotFoundError):
            auth.delete_user("ada")

    def test_claims_are_in_the_next_token(self):
        auth.create_user(uid="claims", email="claims@acme.example", password="secret-1")
        auth.set_custom_user_claims("claims", {"role": "editor", "level": 3})
        self.assertEqual(auth.get_user("claims").custom_claims, {"role": "editor", "level": 3})
        token = auth.verify_id_token(sign_in("claims@acme.example", "secret-1")[1]["idToken"])
        self.assertEqual((token["role"], token["level"], token["uid"]), ("editor", 3, "claims"))
        auth.set_custom_user_claims("claims", None)
        token = auth.verify_id_token(sign_in("claims@acme.example", "secret-1")[1]["idToken"])
        self.assertNotIn("role", token)

    def test_many_are_listed_asked_for_and_deleted(self):
        names = [f"many-{number:02}" for number in range(7)]
        for name in names:
            auth.create_user(uid=name, email=f"{name}@acme.example")
        pages, page = [], auth.list_users(max_results=3)
        while page:
            pages.append([user.uid for user in page.users])
            page = page.get_next_page()
        self.assertTrue(all(len(users) <= 3 for users in pages))
        listed = [uid for users in pages for uid in users]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual([uid for uid in listed if uid.startswith("many-")], names)
        self.assertEqual([user.uid for user in auth.list_users().iterate_all()], listed)
        asked = auth.get_users([auth.UidIdentifier("many-00"), auth.EmailIdentifier("many-01@acme.example"),
                                auth.UidIdentifier("nobody")])
        self.assertEqual(sorted(user.uid for user in asked.users), ["many-00", "many-01"])
        self.assertEqual([missing.uid for missing in asked.not_found], ["nobody"])
        gone = auth.delete_users(names + ["nobody"])
        self.assertEqual((gone.success_count, gone.failure_count), (8, 0))
        self.assertEqual(auth.get_users([auth.UidIdentifier(name) for name in names]).users, [])

    def test_links_do_what_they_are_for(self):
        auth.create_user(uid="links", email="links@acme.example", password="secret-1")
        link = auth.generate_password_reset_link("links@acme.example")
        code = requests.utils.urlparse(link).query.split("oobCode=")[1].split("&")[0]
        url = f"{IDENTITY}/identitytoolkit.googleapis.com/v1/accounts:resetPassword?key=k"
        done = requests.post(url, json={"oobCode": code, "newPassword": "Another-one-2"}, timeout=10).json()
        self.assertEqual((done["email"], done["requestType"]), ("links@acme.example", "PASSWORD_RESET"))
        self.assertEqual(sign_in("links@acme.example", "secret-1")[0], 400)
        self.assertEqual(sign_in("links@acme.example", "Another-one-2")[0], 200)
        self.assertIn("mode=verifyEmail", auth.generate_email_verification_link("links@acme.example"))
        settings = auth.ActionCodeSettings("https://acme.example/then", handle_code_in_app=True)
        link = auth.generate_sign_in_with_email_link("new@acme.example", settings)
        self.assertIn("continueUrl=https%3A%2F%2Facme.example%2Fthen", link)
        with self.assertRaises(auth.EmailNotFoundError):
            auth.generate_password_reset_link("nobody@acme.example")

    def test_a_revocation_a_disabled_user_and_a_cookie(self):
        auth.create_user(uid="ends", email="ends@acme.example", password="secret-1")
        token = sign_in("ends@acme.example", "secret-1")[1]["idToken"]
        cookie = auth.create_session_cookie(token, 300)
        self.assertEqual(auth.verify_session_cookie(cookie, check_revoked=True)["uid"], "ends")
        self.assertEqual(auth.verify_id_token(token, check_revoked=True)["uid"], "ends")
        # the second after the sign-in: by whole seconds, the same one would be no revocation
        clock = {"advance": 2, "of": "tokens"}
        requests.post(f"{IDENTITY}/emulator/v1/clock", json=clock, timeout=10).raise_for_status()
        since = auth.get_user("ends").tokens_valid_after_timestamp
        now = requests.get(f"{IDENTITY}/emulator/v1/clock", timeout=10).json()["tokens"]
        auth._get_client(firebase_admin.get_app())._user_manager.update_user("ends", valid_since=now)
        self.assertGreater(auth.get_user("ends").tokens_valid_after_timestamp, since)
        with self.assertRaises(auth.RevokedIdTokenError):
            auth.verify_id_token(token, check_revoked=True)
        auth.update_user("ends", disabled=True)
        with self.assertRaises(auth.UserDisabledError):
            auth.verify_id_token(token, check_revoked=True)
        self.assertEqual(sign_in("ends@acme.example", "secret-1")[1]["error"]["message"], "USER_DISABLED")
        requests.delete(f"{IDENTITY}/emulator/v1/clock", timeout=10).raise_for_status()
        with self.assertRaises(exceptions.InvalidArgumentError):
            auth.create_session_cookie("a.b.c", 300)

    def test_users_are_imported_with_their_hashes(self):
        import hashlib

        hashed = hashlib.pbkdf2_hmac("sha256", b"imported-1", b"salt", 1000)
        users = [
            auth.ImportUserRecord("imported", email="imported@acme.example", password_hash=hashed, password_salt=b"salt"),
            auth.ImportUserRecord("reserved", email="imported@acme.example"),
        ]
        result = auth.import_users(users, hash_alg=auth.UserImportHash.pbkdf2_sha256(1000))
        self.assertEqual((result.success_count, [error.index for error in result.errors]), (1, [1]))
        self.assertEqual(sign_in("imported@acme.example", "imported-1")[0], 200)

    def test_a_custom_token_signs_in(self):
        token = auth.create_custom_token("from-python", {"plan": "gold"}).decode()
        url = f"{IDENTITY}/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken?key=k"
        done = requests.post(url, json={"token": token, "returnSecureToken": True}, timeout=10).json()
        claims = auth.verify_id_token(done["idToken"])
        self.assertEqual((claims["uid"], claims["plan"]), ("from-python", "gold"))

    def test_a_tenant_has_users_of_its_own(self):
        retail = tenant_mgt.auth_for_tenant("retail")
        made = retail.create_user(email="shopper@acme.example", password="of-retail-1")
        self.assertEqual(made.tenant_id, "retail")
        with self.assertRaises(auth.UserNotFoundError):
            auth.get_user(made.uid)
        token = sign_in("shopper@acme.example", "of-retail-1", tenantId="retail")[1]["idToken"]
        self.assertEqual(retail.verify_id_token(token)["firebase"]["tenant"], "retail")
        own = sign_in("shopper@acme.example", "Acme-demo-2026")[1]["idToken"]
        with self.assertRaises(tenant_mgt.TenantIdMismatchError):
            retail.verify_id_token(own)


if __name__ == "__main__":
    unittest.main(verbosity=2)
