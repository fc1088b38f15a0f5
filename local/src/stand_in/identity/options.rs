//! What the command line says about the stand-in for Identity Platform.

use crate::topology::PROJECT;

/// Options of `local identity`.
#[derive(Clone, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// identity: the project it plays
    #[arg(long, value_name = "ID", default_value = PROJECT, value_parser = project)]
    pub(crate) project: String,
    /// identity: tokens without a signature, for SDKs that refuse others (Node.js Admin SDK)
    #[arg(long)]
    pub(crate) unsigned: bool,
    /// identity: a tenant that is there from the start, with everything on; may be repeated
    #[arg(long = "tenant", value_name = "ID")]
    pub(crate) tenants: Vec<String>,
    /// identity: the page to which links in mails lead [default: the front end's; /emulator/action for another project]
    #[arg(long, value_name = "URL")]
    pub(crate) action_url: Option<String>,
    /// identity: its own address as browsers reach it [default: the Host of each request]
    #[arg(long, value_name = "URL", value_parser = address)]
    pub(crate) public_url: Option<String>,
}

/// An id is a name in paths and in files, so it is no more than that.
fn project(text: &str) -> Result<String, String> {
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    match (1..=63).contains(&text.len()) && text.chars().all(letter) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} is no project id: lower-case letters, digits and hyphens"
        )),
    }
}

/// Without a slash at the end: paths are appended.
fn address(text: &str) -> Result<String, String> {
    match reqwest::Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) && url.query().is_none() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(format!("{text:?} is not http://HOST:PORT")),
    }
}
