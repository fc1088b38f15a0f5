// Firebase's Admin SDK for Node.js, told of an emulator, against the stand-in with `--unsigned`: it refuses tokens
// with a signature then. The argument is the stand-in's address.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { initializeApp } from 'firebase-admin/app'
import { getAuth } from 'firebase-admin/auth'

const identity = process.argv[2]
const auth = getAuth(initializeApp({ projectId: 'demo-acme' }))

async function post(path, body) {
  const answer = await fetch(`${identity}/${path}`, { method: 'POST', body: JSON.stringify(body) })
  return answer.json()
}

const signIn = (email, password, more) =>
  post('v1/accounts:signInWithPassword?key=k', { email, password, returnSecureToken: true, ...more })

const refused = code => error => {
  assert.equal(error.code, code)
  return true
}

test('a user is made, found, changed and deleted', async () => {
  const made = await auth.createUser({
    uid: 'ada', email: 'ada@acme.example', password: 'secret-1', displayName: 'Ada', phoneNumber: '+16505550100',
    multiFactor: { enrolledFactors: [{ phoneNumber: '+16505550101', factorId: 'phone', displayName: 'Work' }] },
    emailVerified: true,
  })
  assert.deepEqual([made.uid, made.email, made.displayName], ['ada', 'ada@acme.example', 'Ada'])
  assert.equal(made.multiFactor.enrolledFactors[0].displayName, 'Work')
  assert.equal((await auth.getUserByEmail('ada@acme.example')).uid, 'ada')
  assert.equal((await auth.getUserByPhoneNumber('+16505550100')).uid, 'ada')
  const changed = await auth.updateUser('ada', {
    displayName: null, phoneNumber: null, multiFactor: { enrolledFactors: null },
    providerToLink: { providerId: 'google.com', uid: 'g-1', email: 'ada@gmail.example' },
  })
  assert.deepEqual([changed.displayName, changed.phoneNumber, changed.multiFactor], [undefined, undefined, undefined])
  assert.equal((await auth.getUserByProviderUid('google.com', 'g-1')).uid, 'ada')
  await assert.rejects(auth.createUser({ uid: 'ada' }), refused('auth/uid-already-exists'))
  await assert.rejects(auth.createUser({ email: 'ada@acme.example' }), refused('auth/email-already-exists'))
  await auth.deleteUser('ada')
  await assert.rejects(auth.getUser('ada'), refused('auth/user-not-found'))
})

test('a token is verified, with its claims, until it is revoked', async () => {
  await auth.createUser({ uid: 'claims', email: 'claims@acme.example', password: 'secret-1' })
  await auth.setCustomUserClaims('claims', { role: 'editor' })
  const { idToken } = await signIn('claims@acme.example', 'secret-1')
  const claims = await auth.verifyIdToken(idToken, true)
  assert.deepEqual([claims.uid, claims.role, claims.aud], ['claims', 'editor', 'demo-acme'])
  await post('emulator/v1/clock', { advance: 2, of: 'tokens' })
  await post('identitytoolkit.googleapis.com/v1/accounts:update?key=k', { idToken, password: 'Another-one-2' })
  await assert.rejects(auth.verifyIdToken(idToken, true), refused('auth/id-token-revoked'))
  await auth.updateUser('claims', { disabled: true })
  await assert.rejects(auth.verifyIdToken(idToken, true), refused('auth/user-disabled'))
  await fetch(`${identity}/emulator/v1/clock`, { method: 'DELETE' })
})

test('an expired token and one with a signature are refused', async () => {
  await post('emulator/v1/clock', { advance: -7200, of: 'tokens' })
  const past = await post('v1/accounts:signUp?key=k', { email: 'past@acme.example', password: 'Long-enough-1' })
  await fetch(`${identity}/emulator/v1/clock`, { method: 'DELETE' })
  await assert.rejects(auth.verifyIdToken(past.idToken), refused('auth/id-token-expired'))
  const { idToken } = await signIn('shopper@acme.example', 'Acme-demo-2026')
  assert.ok(idToken.endsWith('.'))
  await assert.rejects(auth.verifyIdToken(`${idToken}c2lnbmF0dXJl`), refused('auth/argument-error'))
})

test('a session cookie is made and verified', async () => {
  const { idToken } = await signIn('shopper@acme.example', 'Acme-demo-2026')
  const cookie = await auth.createSessionCookie(idToken, { expiresIn: 3600000 })
  const claims = await auth.verifySessionCookie(cookie, true)
  assert.deepEqual([claims.email, claims.exp - claims.iat], ['shopper@acme.example', 3600])
  await assert.rejects(auth.verifySessionCookie(idToken), refused('auth/argument-error'))
})

test('many are listed, imported and deleted', async () => {
  const names = ['many-0', 'many-1', 'many-2']
  const result = await auth.importUsers(names.map(uid => ({ uid, email: `${uid}@acme.example` })))
  assert.deepEqual([result.successCount, result.failureCount], [3, 0])
  const listed = []
  let pageToken
  do {
    const page = await auth.listUsers(2, pageToken)
    assert.ok(page.users.length <= 2)
    listed.push(...page.users.map(user => user.uid))
    pageToken = page.pageToken
  } while (pageToken)
  assert.deepEqual(listed.filter(uid => uid.startsWith('many-')), names)
  const found = await auth.getUsers([{ uid: 'many-0' }, { email: 'many-1@acme.example' }, { uid: 'nobody' }])
  assert.deepEqual([found.users.length, found.notFound.length], [2, 1])
  const deleted = await auth.deleteUsers(names)
  assert.deepEqual([deleted.successCount, deleted.failureCount], [3, 0])
})

test('links do what they are for', async () => {
  const link = new URL(await auth.generatePasswordResetLink('shopper@acme.example'))
  const oobCode = link.searchParams.get('oobCode')
  const done = await post('v1/accounts:resetPassword?key=k', { oobCode, newPassword: 'Acme-demo-2026' })
  assert.equal(done.email, 'shopper@acme.example')
  const change = await auth.generateVerifyAndChangeEmailLink('shopper@acme.example', 'moved@acme.example')
  assert.equal(new URL(change).searchParams.get('mode'), 'verifyAndChangeEmail')
  await assert.rejects(auth.generatePasswordResetLink('nobody@acme.example'), refused('auth/email-not-found'))
})

test('a custom token signs in', async () => {
  const token = await auth.createCustomToken('from-node', { plan: 'gold' })
  const { idToken } = await post('v1/accounts:signInWithCustomToken?key=k', { token, returnSecureToken: true })
  const claims = await auth.verifyIdToken(idToken)
  assert.deepEqual([claims.uid, claims.plan], ['from-node', 'gold'])
})

test('tenants are made, have users of their own, and go with them', async () => {
  const tenants = auth.tenantManager()
  const made = await tenants.createTenant({ displayName: 'wholesale', emailSignInConfig: { enabled: true, passwordRequired: true } })
  assert.match(made.tenantId, /^wholesale-/)
  assert.equal(made.emailSignInConfig.enabled, true)
  const listed = await tenants.listTenants()
  assert.deepEqual(listed.tenants.map(tenant => tenant.tenantId).sort(), ['retail', made.tenantId])
  const own = tenants.authForTenant(made.tenantId)
  const user = await own.createUser({ email: 'shopper@acme.example', password: 'of-wholesale-1' })
  assert.equal(user.tenantId, made.tenantId)
  const { idToken } = await signIn('shopper@acme.example', 'of-wholesale-1', { tenantId: made.tenantId })
  assert.equal((await own.verifyIdToken(idToken)).firebase.tenant, made.tenantId)
  const other = await signIn('shopper@acme.example', 'Acme-demo-2026')
  await assert.rejects(own.verifyIdToken(other.idToken), refused('auth/user-not-found')) // it looks the user up first
  await tenants.deleteTenant(made.tenantId)
  await assert.rejects(tenants.getTenant(made.tenantId), refused('auth/tenant-not-found'))
})
