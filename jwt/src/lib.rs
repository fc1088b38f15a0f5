//! JSON Web Tokens as Envoy reads them: key sets, the compact form, signatures. No I/O and no clock.
//!
//! A gateway that stands in for Istio's must refuse the same token with the same words, so the order
//! of the checks and their texts are Envoy's. Which issuer and which audience are right is the
//! caller's to say; a caller's whole check reads
//!
//! ```
//! # fn check(text: &str, jwks: &jwt::Jwks, now: u64) -> Result<(), jwt::Error> {
//! let token = jwt::Token::parse(text)?;
//! if token.issuer() != Some("https://issuer.example") {
//!     return Err(jwt::Error::IssuerNotConfigured);
//! }
//! token.check_time(now, 60)?;
//! if !token.audiences().any(|audience| audience == "shop") {
//!     return Err(jwt::Error::AudienceNotAllowed);
//! }
//! jwks.verify(&token)
//! # }
//! ```
//!
//! The signature comes last because it is by far the dearest: a token that is refused costs nothing.
//!
//! Standards: RFC 7515 (compact form), 7517 (key sets), 7518 and 8037 (algorithms), 7519 (claims).

mod algorithm;
mod base64url;
mod error;
pub mod id_token;
mod json;
mod jwks;
mod key;
mod token;

pub use algorithm::Algorithm;
pub use error::Error;
pub use jwks::{Jwks, JwksError};
pub use token::{Token, Validity};
