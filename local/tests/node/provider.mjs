// A real OpenID provider for the tests: oidc-provider with what the front end relies on switched on. It
// prints its issuer when it listens. The arguments are the client's redirect and post-logout addresses.
// Where those are known only when the issuer is, there are none, and a line on stdin says the same later:
// {"clients": [{"client_id", "redirect_uris", "post_logout_redirect_uris"}], "lifetime": seconds}.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import Provider from 'oidc-provider'

const [redirect, afterLogout, lifetime = '3600'] = process.argv.slice(2)
const told = createInterface({ input: process.stdin })
told.on('close', () => process.exit()) // nothing outlives the test, whoever started it

// A browser keeps SameSite=None cookies only if they are Secure, and takes those from loopback without TLS, too.
// The library would not send them there.
const secured = response => {
  const set = response.setHeader.bind(response)
  const secure = cookie => cookie.replace(/samesite=none/i, '$&; secure')
  response.setHeader = (name, value) => set(name, /^set-cookie$/i.test(name) ? [value].flat().map(secure) : value)
  return response
}

const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const begin = ({ clients, lifetime }) => {
    const provider = new Provider(issuer, {
      clients: clients.map(client => ({
        client_secret: 'a secret: with %, + and :', grant_types: ['authorization_code', 'refresh_token'], ...client,
      })),
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
      routes: { jwks: '/protocol/openid-connect/certs' }, // where docs/providers.md has it
      enableHttpPostMethods: true, // of the way out: an ID token has no place in a URL
      cookies: { keys: ['for the tests only'], long: { sameSite: 'none' } },
    })
    const serve = provider.callback()
    server.on('request', (request, response) => serve(request, secured(response)))
  }
  if (redirect) {
    begin({ clients: [{ client_id: 'acme', redirect_uris: [redirect], post_logout_redirect_uris: [afterLogout] }], lifetime })
  } else {
    told.once('line', line => begin(JSON.parse(line)))
  }
  console.log(`issuer ${issuer}`)
})
