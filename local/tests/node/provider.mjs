// A real OpenID provider for the tests: oidc-provider with what the front end relies on switched on. It
// prints its issuer when it listens. The arguments are the client's redirect and post-logout addresses.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

process.stdin.on('end', () => process.exit()).resume() // nothing outlives the test, whoever started it

const [redirect, afterLogout, lifetime = '3600'] = process.argv.slice(2)
const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'acme', client_secret: 'a secret: with %, + and :', redirect_uris: [redirect],
      post_logout_redirect_uris: [afterLogout], grant_types: ['authorization_code', 'refresh_token'],
    }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false, // the e-mail is in the ID token, as most providers have it
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@provider.example`, email_verified: sub !== 'unverified', name: sub }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: () => true,
    ttl: { IdToken: Number(lifetime) },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    enableHttpPostMethods: true, // of the way out: an ID token has no place in a URL
    cookies: { keys: ['for the tests only'], long: { sameSite: 'none' } },
  })
  server.on('request', provider.callback())
  console.log(`issuer ${issuer}`)
})
