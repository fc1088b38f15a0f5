//! A mutual-TLS proxy configured by a strict subset of the Istio API.
#![allow(dead_code, reason = "the parts land one after the other")]

/// What we were told: Istio documents, compiled once.
pub(crate) mod plan;

pub(crate) mod authenticate;
pub(crate) mod authorize;
pub(crate) mod downstream;
pub(crate) mod format;
pub(crate) mod head;
pub(crate) mod headers;
pub(crate) mod path;
pub(crate) mod re2;
pub(crate) mod rewrite;
pub(crate) mod route;
