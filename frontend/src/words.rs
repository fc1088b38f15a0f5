//! Every text of the pages, a table per language: `words/en.rs` and its sisters. A text that a table lacks
//! does not compile.

use std::fmt::Display;

mod de;
mod en;
mod es;
mod ja;
mod negotiate;

pub(crate) use negotiate::Language;

type Text = &'static str;
/// What stands before a value and what after it.
type Around = (Text, Text);
/// A title and a text.
type Said = (Text, Text);
/// A title, what it is, what to do.
type Failed = (Text, Text, Text);
/// A link in a mail: title, what it does, its button; and when it is done the title and what then.
type Link = (Text, Text, Text, Text, Text);

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $kind:ty),+ $(,)?) => {
        /// The texts of one language. `{}` is where a value goes.
        pub(crate) struct Words {
            $($(#[$doc])* pub(crate) $name: $kind,)+
        }

        #[cfg(test)]
        impl Words {
            fn all(&self) -> Vec<(&'static str, Vec<Text>)> {
                use tests::Texts;
                vec![$((stringify!($name), self.$name.texts())),+]
            }
        }
    };
}

words! {
    /// What `lang` says, and whether it is written from right to left.
    code: Text,
    direction: Text,

    footer: Text,
    error_prefix: Text,
    to_email_field: Text,
    to_password_field: Text,
    to_start: Text,
    to_account: Text,
    go_on: Text,

    email: Text,
    password: Text,
    new_password: Text,
    /// Before the list of rules, between them, after them.
    rules: (Text, Text, Text),
    at_least: Text,
    at_most: Text,
    lower_case: Text,
    upper_case: Text,
    digit: Text,
    special: Text,
    /// Beside a field whose content cannot be right.
    check_field: Text,

    sign_in: Text,
    sign_in_lead: Text,
    sign_out: Text,
    forgot: Text,
    create_account: Text,
    create_button: Text,
    sign_in_instead: Text,
    demo: Said,
    other_ways: Text,
    sign_in_with: Text,
    continue_with: Text,
    turned_back: Text,
    /// The address has an account already.
    connect: Said,
    connect_button: Text,
    ways_in: Said,
    way_off: Text,
    kept_elsewhere: Said,
    signed_out_here: Said,
    sign_out_there: Text,
    session_over: Text,
    account_off: Text,
    once_more: Text,

    second_step: Text,
    code_title: Text,
    code_lead: Around,
    code_label: Text,
    code_lost: Text,
    start_again: Text,
    enrol_title: Text,
    enrol_lead: Text,
    enrol_scan: Text,
    enrol_picture: Text,
    enrol_open: (Text, Text, Text),
    enrol_code: Text,
    enrol_button: Text,
    enrol_keep: Text,

    reset_title: Text,
    reset_lead: Text,
    reset_button: Text,
    back_to_sign_in: Text,
    mail_title: Text,
    mail_sign_up: Said,
    mail_reset: Said,
    mail_verify: Said,
    mail_missing: Around,
    mail_another: Text,
    mail_outbox: Around,
    outbox: Text,

    mail_sign_in: Said,
    by_mail: Said,
    by_mail_finish: Text,

    link_account: Text,
    link_new_address: Text,
    link_new_mail: Text,
    link_reset: Link,
    link_verify: Link,
    link_change: Link,
    link_recover: Link,
    link_revert: Link,

    account: Text,
    verified: Text,
    yes: Text,
    not_yet: Text,
    send_verification: Text,
    name: Text,
    save_name: Text,
    change_password: Text,
    add_password: Text,
    on: Text,
    factor_app: Text,
    factor_phone: Text,
    remove: Text,
    add_factor: Around,
    verify_for_factor: Text,
    elsewhere: Said,
    sign_out_everywhere: Text,
    leaving: Text,
    delete_account: Text,
    back_to_account: Text,
    password_lead: Text,
    save_password: Text,
    password_changed: Said,
    add_password_lead: Text,
    password_added: Said,
    signed_out_everywhere: Said,
    sign_in_again: Text,
    delete_title: Text,
    delete_lead: Around,
    delete_button: Text,
    keep_account: Text,
    deleted: Said,

    home_title: Text,
    welcome: Text,
    signed_in_as: Around,
    message: Text,
    how: Said,
    demo_hops: Text,
    every_hop: Around,
    hops_private: [Said; 5],
    hops_gke: [Said; 3],

    what_to_do: Text,
    out_and_in: Text,
    try_again: Text,
    look_into: Text,
    trace_id: Text,

    wrong_credentials: Said,
    invalid_email: Said,
    missing_password: Said,
    too_many_attempts: Said,
    paused: Said,
    disabled: Said,
    second_factor: Said,
    too_weak: Said,
    lacks: Text,
    email_exists: Said,
    link_over: Said,
    sign_in_too_old: Said,
    unverified_email: Said,
    wrong_code: Said,
    step_too_old: Said,
    factor_exists: Said,
    provider_failed: Said,
    already_linked: Said,
    no_address: Said,
    last_way_in: Said,
    other_tenant: Said,
    blocked: Said,
    your_session_over: Said,
    unavailable: Said,
    untrusted: Said,
    misconfigured: Said,
    unknown: Said,

    signed_out: Failed,
    cross_site: Failed,
    not_found: Failed,
    wrong_method: Failed,
    ambiguous_path: Failed,
    bad_form: Failed,
    identity_platform: Failed,
    metadata_server: Failed,
    service_identity: Failed,
    token_expired: Failed,
    token_refused: Failed,
    policy_refused: Failed,
    no_proxy: Failed,
    busy: Failed,
    proxy_unreachable: Failed,
    gateway_unreachable: Failed,
    gateway_behind_proxy: Failed,
    backend_behind_gateway: Failed,
    backend: Failed,
    too_slow: Failed,
    unexpected: Failed,
    session_too_large: Failed,
    no_randomness: Failed,
}

/// A text with its value.
pub(crate) fn fill(text: Text, value: impl Display) -> String {
    text.replace("{}", &value.to_string())
}

#[cfg(test)]
mod tests;
