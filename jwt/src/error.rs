//! Why a token is refused, in the order in which it is found out.

/// The text of each is the body Envoy answers with. It names a claim at most, never its value, so it
/// may be logged and sent to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Error {
    /// Not two dots with something before, between and after them.
    #[error("Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections")]
    Form,
    /// The first section is not Base64url.
    #[error("Jwt header is an invalid Base64url encoded")]
    HeaderBase64,
    /// The first section is no JSON object, or one that has a member twice.
    #[error("Jwt header is an invalid JSON")]
    HeaderJson,
    /// `alg` is missing or no string.
    #[error("Jwt header [alg] field is required and must be a string")]
    AlgorithmMissing,
    /// `alg` names no algorithm we know; `none` ends here.
    #[error("Jwt header [alg] is not supported")]
    AlgorithmNotSupported,
    /// `kid` is there and no string.
    #[error("Jwt header [kid] field is not a string")]
    KeyIdNotAString,
    /// The second section is not Base64url.
    #[error("Jwt payload is an invalid Base64url encoded")]
    PayloadBase64,
    /// The second section is no JSON object, or one that has a member twice.
    #[error("Jwt payload is an invalid JSON")]
    PayloadJson,
    /// `iss`, `sub` or `jti` is there and no string.
    #[error("Jwt payload [{0}] field is not a string")]
    NotAString(&'static str),
    /// `iat`, `nbf` or `exp` is there and no number.
    #[error("Jwt payload [{0}] field is not an integer")]
    NotAnInteger(&'static str),
    /// `iat`, `nbf` or `exp` is below 0 or does not fit into 64 bits.
    #[error("Jwt payload [{0}] field is not a positive 64 bit integer")]
    NotPositive(&'static str),
    /// `aud` is there and neither a string nor a list of strings.
    #[error("Jwt payload [aud] field is not a string or string list")]
    AudienceNotAString,
    /// The third section is not Base64url.
    #[error("Jwt signature is an invalid Base64url encoded")]
    SignatureBase64,
    /// For the caller to say: `iss` is not the issuer it trusts.
    #[error("Jwt issuer is not configured")]
    IssuerNotConfigured,
    /// `nbf` lies in the future.
    #[error("Jwt not yet valid")]
    NotYetValid,
    /// `exp` lies in the past.
    #[error("Jwt is expired")]
    Expired,
    /// For the caller to say: no `aud` is one it accepts. Envoy answers 403 here, 401 everywhere else.
    #[error("Audiences in Jwt are not allowed")]
    AudienceNotAllowed,
    /// No key of the set has the token's `kid` and `alg`.
    #[error("Jwks doesn't have key to match kid or alg from Jwt")]
    NoMatchingKey,
    /// Keys match by name, but none of them made this signature.
    #[error("Jwt verification fails")]
    VerificationFails,
    /// An Ed25519 signature has 64 bytes, this one has not.
    #[error("Jwt ED25519 signature is wrong length")]
    Ed25519Length,
}
