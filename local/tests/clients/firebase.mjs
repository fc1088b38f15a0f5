// Firebase's SDK for browsers, on Node, against the stand-in with `connectAuthEmulator`. The argument is its address.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, test } from 'node:test'
import { deleteApp, initializeApp } from 'firebase/app'
import * as sdk from 'firebase/auth'

const identity = process.argv[2]
const PASSWORD = 'Long-enough-1'
const apps = []

/** A client of its own, signed out. */
function client() {
  const app = initializeApp({ apiKey: 'any', projectId: 'demo-acme', authDomain: 'localhost' }, `client-${apps.length}`)
  apps.push(app)
  const auth = sdk.initializeAuth(app, { persistence: sdk.inMemoryPersistence })
  sdk.connectAuthEmulator(auth, identity, { disableWarnings: true })
  return auth
}
after(() => Promise.all(apps.map(deleteApp)))

async function emulator(method, path, body) {
  const answer = await fetch(`${identity}/emulator/v1/${path}`, { method, body: body && JSON.stringify(body) })
  assert.equal(answer.status, 200)
  return answer.json()
}

/** The newest mail to an address. */
async function mail(email) {
  const { oobCodes } = await emulator('GET', 'projects/demo-acme/oobCodes')
  return oobCodes.findLast(code => [code.email, code.newEmail].includes(email))
}

const refused = code => error => {
  assert.equal(error.code, code)
  return true
}

/** What an authenticator app shows, so many periods from now (RFC 6238). */
function totp(secret, periods = 0) {
  const bits = [...secret].map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
  const key = Buffer.from(bits.join('').match(/.{8}/g).map(byte => parseInt(byte, 2)))
  const step = Buffer.alloc(8)
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + periods))
  const mac = createHmac('sha1', key).update(step).digest()
  const number = mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff
  return String(number % 1000000).padStart(6, '0')
}

test('a user signs up, out and in again, and reads the own profile', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'Ada@acme.example', PASSWORD)
  assert.equal(user.email, 'ada@acme.example')
  assert.equal(user.emailVerified, false)
  await sdk.updateProfile(user, { displayName: 'Ada', photoURL: 'https://acme.example/ada.png' })
  await sdk.signOut(auth)
  assert.equal(auth.currentUser, null)
  await assert.rejects(sdk.signInWithEmailAndPassword(auth, 'ada@acme.example', 'wrong'), refused('auth/invalid-credential'))
  await assert.rejects(sdk.signInWithEmailAndPassword(auth, 'nobody@acme.example', 'wrong'), refused('auth/invalid-credential'))
  const again = await sdk.signInWithEmailAndPassword(auth, 'ada@acme.example', PASSWORD)
  assert.equal(again.user.uid, user.uid)
  assert.deepEqual([again.user.displayName, again.user.photoURL], ['Ada', 'https://acme.example/ada.png'])
  assert.equal(again.operationType, 'signIn')
  await assert.rejects(
    sdk.createUserWithEmailAndPassword(client(), 'ada@acme.example', PASSWORD), refused('auth/email-already-in-use'))
  await assert.rejects(
    sdk.createUserWithEmailAndPassword(client(), 'weak@acme.example', 'weak-one'),
    refused('auth/password-does-not-meet-requirements'))
  await sdk.deleteUser(again.user)
  await assert.rejects(sdk.signInWithEmailAndPassword(auth, 'ada@acme.example', PASSWORD), refused('auth/invalid-credential'))
})

test('a token is refreshed, and not after the user was signed out everywhere', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'refresh@acme.example', PASSWORD)
  const before = await user.getIdTokenResult()
  assert.equal(before.signInProvider, 'password')
  assert.equal(before.claims.aud, 'demo-acme')
  assert.equal(JSON.parse(atob(before.token.split('.')[0])).alg, 'RS256')
  await emulator('POST', 'clock', { advance: 10, of: 'tokens' })
  const renewed = await user.getIdTokenResult(true)
  assert.ok(Date.parse(renewed.expirationTime) > Date.parse(before.expirationTime))
  assert.equal(renewed.authTime, before.authTime)
  await emulator('DELETE', 'clock')

  const elsewhere = client()
  const other = await sdk.signInWithEmailAndPassword(elsewhere, 'refresh@acme.example', PASSWORD)
  await sdk.updatePassword(other.user, 'Another-one-2')
  await assert.rejects(user.getIdToken(true), refused('auth/user-token-expired'))
  assert.ok(await other.user.getIdToken(true), 'who changed the password stays')
})

test('a fresh sign-in is shown by reauthentication', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'again@acme.example', PASSWORD)
  const credential = password => sdk.EmailAuthProvider.credential('again@acme.example', password)
  await assert.rejects(sdk.reauthenticateWithCredential(user, credential('wrong')), refused('auth/invalid-credential'))
  const done = await sdk.reauthenticateWithCredential(user, credential(PASSWORD))
  assert.equal(done.user.uid, user.uid)
  assert.equal(done.operationType, 'reauthenticate')
})

test('mails verify, reset, change the address and take it back', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'mails@acme.example', PASSWORD)
  await sdk.sendEmailVerification(user)
  await sdk.applyActionCode(auth, (await mail('mails@acme.example')).oobCode)
  await sdk.reload(user)
  assert.equal(user.emailVerified, true)
  assert.equal((await user.getIdTokenResult(true)).claims.email_verified, true)

  await sdk.sendPasswordResetEmail(auth, 'mails@acme.example')
  const { oobCode } = await mail('mails@acme.example')
  assert.equal(await sdk.verifyPasswordResetCode(auth, oobCode), 'mails@acme.example')
  await sdk.confirmPasswordReset(auth, oobCode, 'Another-one-2')
  await assert.rejects(sdk.confirmPasswordReset(auth, oobCode, 'Another-one-3'), refused('auth/invalid-action-code'))
  const { user: again } = await sdk.signInWithEmailAndPassword(auth, 'mails@acme.example', 'Another-one-2')

  await sdk.verifyBeforeUpdateEmail(again, 'moved@acme.example')
  const change = (await mail('moved@acme.example')).oobCode
  const info = await sdk.checkActionCode(auth, change)
  assert.deepEqual([info.operation, info.data.email, info.data.previousEmail],
    ['VERIFY_AND_CHANGE_EMAIL', 'moved@acme.example', 'mails@acme.example'])
  await sdk.applyActionCode(auth, change)
  await sdk.signInWithEmailAndPassword(auth, 'moved@acme.example', 'Another-one-2')
  await sdk.applyActionCode(auth, (await mail('mails@acme.example')).oobCode)
  await sdk.signInWithEmailAndPassword(auth, 'mails@acme.example', 'Another-one-2')
})

test('a code that is too old says so', async () => {
  const auth = client()
  await sdk.sendPasswordResetEmail(auth, 'shopper@acme.example')
  const { oobCode } = await mail('shopper@acme.example')
  await emulator('POST', 'clock', { advance: 3601 })
  await assert.rejects(sdk.verifyPasswordResetCode(auth, oobCode), refused('auth/expired-action-code'))
  await emulator('DELETE', 'clock')
})

test('a link in a mail signs in', async () => {
  const auth = client()
  const settings = { url: 'https://acme.example/finish', handleCodeInApp: true }
  await sdk.sendSignInLinkToEmail(auth, 'link@acme.example', settings)
  const { oobLink } = await mail('link@acme.example')
  assert.ok(sdk.isSignInWithEmailLink(auth, oobLink))
  const { user } = await sdk.signInWithEmailLink(auth, 'link@acme.example', oobLink)
  assert.deepEqual([user.email, user.emailVerified], ['link@acme.example', true])
  await assert.rejects(sdk.signInWithEmailLink(auth, 'link@acme.example', oobLink), refused('auth/invalid-action-code'))
})

test('a user nobody knows gets an address and a password', async () => {
  const auth = client()
  const { user } = await sdk.signInAnonymously(auth)
  assert.equal(user.isAnonymous, true)
  const credential = sdk.EmailAuthProvider.credential('known@acme.example', PASSWORD)
  const linked = await sdk.linkWithCredential(user, credential)
  assert.deepEqual([linked.user.uid, linked.user.isAnonymous], [user.uid, false])
  assert.deepEqual(linked.user.providerData.map(info => info.providerId), ['password'])
})

const google = claims => sdk.GoogleAuthProvider.credential(JSON.stringify(claims))

test('a provider signs in, is linked, and belongs to one user', async () => {
  const auth = client()
  const ada = { sub: 'g-1', email: 'ada@gmail.example', email_verified: true, name: 'Ada' }
  const first = await sdk.signInWithCredential(auth, google(ada))
  assert.deepEqual([first.user.email, first.user.displayName], ['ada@gmail.example', 'Ada'])
  const info = sdk.getAdditionalUserInfo(first)
  assert.deepEqual([info.isNewUser, info.providerId, info.profile.id], [true, 'google.com', 'g-1'])
  const token = await first.user.getIdTokenResult()
  assert.equal(token.signInProvider, 'google.com')
  assert.deepEqual(token.claims.firebase.identities['google.com'], ['g-1'])
  assert.equal(sdk.getAdditionalUserInfo(await sdk.signInWithCredential(client(), google(ada))).isNewUser, false)

  const github = sdk.GithubAuthProvider.credential(JSON.stringify({ sub: 'h-1', email: 'ada@github.example' }))
  const linked = await sdk.linkWithCredential(first.user, github)
  assert.deepEqual(linked.user.providerData.map(info => info.providerId).sort(), ['github.com', 'google.com'])
  const { user: other } = await sdk.createUserWithEmailAndPassword(client(), 'other@acme.example', PASSWORD)
  await assert.rejects(sdk.linkWithCredential(other, google(ada)), refused('auth/credential-already-in-use'))
  const left = await sdk.unlink(first.user, 'github.com')
  assert.deepEqual(left.providerData.map(info => info.providerId), ['google.com'])
})

test('an address that a provider has not verified is linked after a sign-in', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'confirm@acme.example', PASSWORD)
  const credential = google({ sub: 'g-2', email: 'confirm@acme.example', email_verified: false })
  let pending
  await assert.rejects(sdk.signInWithCredential(client(), credential), error => {
    assert.equal(error.code, 'auth/account-exists-with-different-credential')
    assert.equal(error.customData.email, 'confirm@acme.example')
    pending = sdk.GoogleAuthProvider.credentialFromError(error)
    return true
  })
  const linked = await sdk.linkWithCredential(user, pending)
  assert.deepEqual(linked.user.providerData.map(info => info.providerId).sort(), ['google.com', 'password'])
  assert.equal((await sdk.signInWithCredential(client(), credential)).user.uid, user.uid)
})

test('a custom token signs in', async () => {
  const auth = client()
  const { user } = await sdk.signInWithCustomToken(auth, JSON.stringify({ uid: 'custom', claims: { plan: 'gold' } }))
  const { claims, signInProvider } = await user.getIdTokenResult()
  assert.deepEqual([user.uid, claims.plan, signInProvider], ['custom', 'gold', 'custom'])
})

test('an app with codes is a second step', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'totp@acme.example', PASSWORD)
  await sdk.sendEmailVerification(user)
  await sdk.applyActionCode(auth, (await mail('totp@acme.example')).oobCode)
  await sdk.reload(user)
  const secret = await sdk.TotpMultiFactorGenerator.generateSecret(await sdk.multiFactor(user).getSession())
  assert.deepEqual([secret.codeLength, secret.codeIntervalSeconds], [6, 30])
  assert.ok(Date.parse(secret.enrollmentCompletionDeadline) > Date.now())
  const assertion = code => sdk.TotpMultiFactorGenerator.assertionForEnrollment(secret, code)
  await assert.rejects(sdk.multiFactor(user).enroll(assertion('000'), 'Phone'), refused('auth/invalid-verification-code'))
  await sdk.multiFactor(user).enroll(assertion(totp(secret.secretKey)), 'Phone')
  const [factor] = sdk.multiFactor(user).enrolledFactors
  assert.deepEqual([factor.factorId, factor.displayName], ['totp', 'Phone'])
  assert.ok(Math.abs(Date.parse(factor.enrollmentTime) - Date.now()) < 60000, factor.enrollmentTime)

  await sdk.signOut(auth)
  let resolver
  await assert.rejects(sdk.signInWithEmailAndPassword(auth, 'totp@acme.example', PASSWORD), error => {
    assert.equal(error.code, 'auth/multi-factor-auth-required')
    resolver = sdk.getMultiFactorResolver(auth, error)
    return true
  })
  const second = code => sdk.TotpMultiFactorGenerator.assertionForSignIn(resolver.hints[0].uid, code)
  await assert.rejects(resolver.resolveSignIn(second('000')), refused('auth/invalid-verification-code'))
  const done = await resolver.resolveSignIn(second(totp(secret.secretKey, 1)))
  assert.equal((await done.user.getIdTokenResult()).signInSecondFactor, 'totp')
  const { oobCode } = await mail('totp@acme.example') // it tells that a second step was added
  const info = await sdk.checkActionCode(auth, oobCode)
  assert.deepEqual([info.operation, info.data.multiFactorInfo.displayName], ['REVERT_SECOND_FACTOR_ADDITION', 'Phone'])
  await sdk.multiFactor(done.user).unenroll(factor.uid)
  await sdk.signInWithEmailAndPassword(client(), 'totp@acme.example', PASSWORD)
})

test('what matters is done only soon after a sign-in', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'recent@acme.example', PASSWORD)
  await emulator('POST', 'clock', { advance: 301, of: 'tokens' })
  await assert.rejects(sdk.deleteUser(user), refused('auth/requires-recent-login'))
  await sdk.reauthenticateWithCredential(user, sdk.EmailAuthProvider.credential('recent@acme.example', PASSWORD))
  await sdk.deleteUser(user)
  await emulator('DELETE', 'clock')
})

test('a tenant has users of its own', async () => {
  const auth = client()
  auth.tenantId = 'retail'
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'shopper@acme.example', PASSWORD)
  assert.equal(user.tenantId, 'retail')
  assert.equal((await user.getIdTokenResult(true)).claims.firebase.tenant, 'retail')
  const federated = await sdk.signInWithCredential(auth, google({ sub: 'g-9', email: 'nine@gmail.example' }))
  assert.equal(federated.user.tenantId, 'retail')
  const unknown = client()
  unknown.tenantId = 'nowhere'
  await assert.rejects(
    sdk.signInWithEmailAndPassword(unknown, 'shopper@acme.example', PASSWORD), refused('auth/invalid-tenant-id'))
})

test('the rules for passwords and the ways in of an address are told as the project has it', async () => {
  const auth = client()
  const judged = await sdk.validatePassword(auth, 'lower')
  assert.deepEqual(
    [judged.isValid, judged.containsLowercaseLetter, judged.containsUppercaseLetter, judged.meetsMinPasswordLength],
    [false, true, false, false])
  assert.equal((await sdk.validatePassword(auth, PASSWORD)).isValid, true)
  assert.deepEqual(await sdk.fetchSignInMethodsForEmail(auth, 'shopper@acme.example'), [], 'privacy')
  const privacy = on => emulator('PATCH', 'projects/demo-acme/config',
    { emailPrivacyConfig: { enableImprovedEmailPrivacy: on } })
  await privacy(false)
  assert.deepEqual(await sdk.fetchSignInMethodsForEmail(auth, 'shopper@acme.example'), ['password'])
  await assert.rejects(sdk.signInWithEmailAndPassword(auth, 'nobody@acme.example', 'x'), refused('auth/user-not-found'))
  await privacy(true)
})

test('faults on demand are what the SDK takes them for', async () => {
  const auth = client()
  const { user } = await sdk.createUserWithEmailAndPassword(auth, 'faults@acme.example', PASSWORD)
  await emulator('POST', 'faults', { call: 'token', error: 'USER_DISABLED', times: 1 })
  await assert.rejects(user.getIdToken(true), refused('auth/user-disabled'))
  await emulator('POST', 'faults', { call: 'accounts:sendOobCode', error: 'TOO_MANY_ATTEMPTS_TRY_LATER', times: 1 })
  await assert.rejects(sdk.sendPasswordResetEmail(auth, 'faults@acme.example'), refused('auth/too-many-requests'))
  await emulator('POST', 'faults',
    { call: 'accounts:signInWithPassword', blockingFunction: { message: 'Not from here' }, times: 1 })
  await assert.rejects(sdk.signInWithEmailAndPassword(client(), 'faults@acme.example', PASSWORD), error => {
    assert.match(error.message, /Not from here/)
    return true
  })
  await sdk.signInWithEmailAndPassword(client(), 'faults@acme.example', PASSWORD)
})
