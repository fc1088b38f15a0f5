//! Header values of `headers.{request,response}`: text with a small set of `%…%` commands.

/// A value, parsed.
#[derive(Clone, Debug)]
pub(crate) struct HeaderFormat;
