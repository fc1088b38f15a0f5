//! English.

use super::Words;

pub(super) static WORDS: Words = Words {
    code: "en",
    direction: "ltr",

    footer: "The services behind this page are private. Every request is checked on its way to them.",
    error_prefix: "Error: ",
    to_email_field: "Go to the e-mail field",
    to_password_field: "Go to the password field",
    to_start: "To the start page",
    to_account: "To your account",
    go_on: "Go on",

    email: "E-mail",
    password: "Password",
    new_password: "New password",
    rules: ("It needs: ", ", ", "."),
    at_least: "at least {} characters",
    at_most: "at most {} characters",
    lower_case: "a lower-case letter",
    upper_case: "an upper-case letter",
    digit: "a digit",
    special: "a special character, such as ! or #",
    check_field: "Check this field.",

    sign_in: "Sign in",
    sign_in_lead: "The message behind this page comes from a private service. It is for signed-in users only.",
    sign_out: "Sign out",
    forgot: "Forgot your password?",
    create_account: "Create an account",
    create_button: "Create the account",
    sign_in_instead: "Sign in instead",
    demo: (
        "Demo login",
        "Shown because this front end talks to a stand-in for Identity Platform.",
    ),
    other_ways: "Other ways to sign in",
    sign_in_with: "Sign in with {}",
    continue_with: "Continue with {}",
    turned_back: "The sign-in was not finished. Try again, or choose another way.",
    connect: (
        "This address has an account already",
        "Show once that it is yours. From then on you can sign in with {}, too.",
    ),
    connect_button: "Connect {}",
    ways_in: ("Ways to sign in", "Connected:"),
    way_off: "not connected",
    kept_elsewhere: (
        "Your account is kept elsewhere",
        "You signed in with another provider: name, password and second step are changed there.",
    ),
    signed_out_here: ("You are signed out here", "You may still be signed in at {}."),
    sign_out_there: "Sign out at {}, too",
    session_over: "Your session has ended. Sign in again to go on.",
    account_off: "This account is turned off. Ask whoever manages your account to turn it on again.",
    once_more: "Enter your password once more: what you want to do needs a sign-in from the last minutes.",

    second_step: "Second step",
    code_title: "One more step",
    code_lead: ("Enter the code that your app shows for ", "."),
    code_label: "Code",
    code_lost: "Phone gone? Type the key that you wrote down into another app. Without the key, ask whoever manages your account to remove the second step.",
    start_again: "Start again",
    enrol_title: "Add a second step",
    enrol_lead: "From then on you need your password and a code from an app on your phone.",
    enrol_scan: "1. Scan this with an authenticator app",
    enrol_picture: "QR code; the key below says the same",
    enrol_open: ("On this phone ", "open it in the app", ", or type the key:"),
    enrol_code: "2. Enter the code that it shows",
    enrol_button: "Add it",
    enrol_keep: "Write the key down and keep it where you keep your passport: with it any app shows the codes when the phone is gone. Without phone and key, whoever manages your account has to remove the second step.",

    reset_title: "Reset your password",
    reset_lead: "Enter your address. A mail with a link comes to it.",
    reset_button: "Send the mail",
    back_to_sign_in: "Back to sign-in",
    mail_title: "Check your mail",
    mail_sign_up: (
        "If the address can be used, a mail is on its way to it.",
        "Follow the link in it to finish. If you have an account already, the mail helps you back into it.",
    ),
    mail_reset: (
        "If there is an account with this address, a mail is on its way to it.",
        "Follow the link in it within an hour to choose a new password.",
    ),
    mail_verify: (
        "A mail is on its way to your address.",
        "Follow the link in it to show that the address is yours.",
    ),
    mail_missing: (
        "Nothing there after some minutes? Look into the spam folder, check the address above, or ",
        ".",
    ),
    mail_another: "ask for another mail",
    mail_outbox: (
        "The stand-in for Identity Platform sends no mail. It shows them in its ",
        ".",
    ),
    outbox: "outbox",

    mail_sign_in: (
        "If the address can be used, a mail is on its way to it.",
        "Follow the link in it, best in this browser: it signs you in once, within six hours.",
    ),
    by_mail: (
        "Sign in by mail",
        "Enter your address. A mail with a link comes to it, which signs you in without a password.",
    ),
    by_mail_finish: "Is this your address? Then go on.",

    link_account: "Account",
    link_new_address: "New address",
    link_new_mail: "Send me a new mail",
    link_reset: (
        "Choose a new password",
        "It replaces the old one and ends every other session of this account.",
        "Save the new password",
        "Your password is changed",
        "Sign in with the new one. Other devices have to sign in again.",
    ),
    link_verify: (
        "Verify your address",
        "This shows that the address of your account is yours.",
        "Verify this address",
        "Your address is verified",
        "You can sign in, or go on where you were.",
    ),
    link_change: (
        "Change your address",
        "From then on you sign in with the new address.",
        "Use the new address",
        "Your address is changed",
        "Sign in with the new address. The old one got a mail with which this can be undone.",
    ),
    link_recover: (
        "Take your old address back",
        "The address of your account was changed. If that was not you, undo it here.",
        "Take the old address back",
        "Your old address is back",
        "Somebody may know your password: reset it now.",
    ),
    link_revert: (
        "Remove a second step",
        "A second step was added to your account. If that was not you, remove it here.",
        "Remove the second step",
        "The second step is removed",
        "Somebody may know your password: reset it now.",
    ),

    account: "Your account",
    verified: "Verified",
    yes: "yes",
    not_yet: "not yet",
    send_verification: "Send the mail that verifies it",
    name: "Name",
    save_name: "Save the name",
    change_password: "Change the password",
    add_password: "Add a password",
    on: "On:",
    factor_app: "a code from an app",
    factor_phone: "a text message",
    remove: "Remove it",
    add_factor: (
        "Add a code from an app",
        ": then a stolen password alone opens nothing.",
    ),
    verify_for_factor: "You can add a code from an app once your address is verified.",
    elsewhere: (
        "Signed in elsewhere?",
        "A new password ends the sign-in of every other browser. What a browser holds already stays good for up to an hour: services check it without asking back. “Sign out” above ends this browser only.",
    ),
    sign_out_everywhere: "Sign out everywhere",
    leaving: "Leaving",
    delete_account: "Delete the account",
    back_to_account: "Back to your account",
    password_lead: "Every other browser has to sign in again.",
    save_password: "Save the new password",
    password_changed: (
        "Your password is changed",
        "You stay signed in here. Every other browser has to sign in again, at the latest within an hour.",
    ),
    add_password_lead: "With it and your address you can sign in without another provider, too.",
    password_added: (
        "Your account has a password",
        "From now on your address and the password sign you in, too.",
    ),
    signed_out_everywhere: (
        "You are signed out everywhere",
        "What a browser holds already stays good for up to an hour: services check it without asking back.",
    ),
    sign_in_again: "Sign in again",
    delete_title: "Delete the account?",
    delete_lead: (
        "The account ",
        " and its sign-ins are removed for good. Nobody can undo it.",
    ),
    delete_button: "Delete it",
    keep_account: "Keep it",
    deleted: (
        "Your account is deleted",
        "You are signed out, and nothing is left of it here.",
    ),

    home_title: "Your message",
    welcome: "Welcome",
    signed_in_as: ("You are signed in as ", "."),
    message: "The secret message is: {}",
    how: (
        "How did this get here?",
        "Your request for this page passed every one of these, in this order. Each checked something of its own.",
    ),
    demo_hops: "On a laptop stand-ins play the parts of Google Cloud; the checks are the same.",
    every_hop: ("Every hop wrote an access line with the trace id ", "."),
    hops_private: [
        (
            "This front end, on Cloud Run",
            "opened your encrypted session cookie. When you signed in it verified your ID token: signature, issuer, audience, expiry.",
        ),
        (
            "Cloud Run’s front door",
            "checked this front end’s own token, signed by Google for its service account: no other service, and nobody on the internet, may call the proxy.",
        ),
        (
            "The proxy, on Cloud Run",
            "took that token off, showed its client certificate and made sure of the gateway’s name: mutual TLS 1.3.",
        ),
        (
            "Istio’s ingress gateway, on GKE",
            "accepted that certificate and no other of the same authority, verified your ID token once more, and asked its policy whether you may read this path.",
        ),
        (
            "The backend, on GKE",
            "answered. It has no authentication code: the mesh lets nobody but the gateway reach it.",
        ),
    ],
    hops_gke: [
        (
            "This front end, on GKE",
            "opened your encrypted session cookie. When you signed in it verified your ID token: signature, issuer, audience, expiry. Then it called the public gateway as any client would.",
        ),
        (
            "Istio’s ingress gateway, on GKE",
            "verified your ID token once more and asked its policy whether you may read this path. The browser’s own calls to /api/ meet the same policy.",
        ),
        (
            "The backend, on GKE",
            "answered. It has no authentication code: the mesh lets nobody but the gateway reach it.",
        ),
    ],

    what_to_do: "What to do",
    out_and_in: "Sign out, then sign in again",
    try_again: "Try again",
    look_into: "For whoever looks into it:",
    trace_id: "trace id",

    wrong_credentials: (
        "That did not work",
        "E-mail or password is not right. Check both and try again.",
    ),
    invalid_email: (
        "Check the e-mail address",
        "Enter an address like name@example.com.",
    ),
    missing_password: ("Enter your password", "The password is missing."),
    too_many_attempts: (
        "Too many tries",
        "Sign-in is paused for this account. Wait a few minutes, then try again.",
    ),
    paused: (
        "Too many tries",
        "There were too many tries. Wait a few minutes, then try again.",
    ),
    disabled: (
        "This account is turned off",
        "Ask whoever manages your account to turn it on again.",
    ),
    second_factor: (
        "This account needs a second step",
        "Your password is right, but the account asks for a second factor, which this page does not support. Use an account without one, or ask an administrator.",
    ),
    too_weak: (
        "This password does not fulfil the rules",
        "Choose another one. If you cannot sign in with your password any more, reset it.",
    ),
    lacks: "It lacks: {}. If you cannot sign in with your password any more, reset it.",
    email_exists: (
        "Check your mail",
        "If this address can be used, a mail is on its way to it.",
    ),
    link_over: (
        "This link is used or too old",
        "Each link works once and for a limited time. Ask for a new mail.",
    ),
    sign_in_too_old: (
        "Sign in once more",
        "This needs a sign-in from the last few minutes, to make sure that it is you.",
    ),
    unverified_email: (
        "Verify your e-mail address first",
        "This is for verified addresses only. Ask for the mail on your account’s page and follow its link.",
    ),
    wrong_code: (
        "That code is not right",
        "Enter the code that your app shows now. Each code works once; if it keeps failing, check that your phone’s clock is right.",
    ),
    step_too_old: (
        "That took too long",
        "The first step is too long ago. Start again.",
    ),
    factor_exists: (
        "There is such a second step already",
        "Remove the one that your account has, then add another.",
    ),
    provider_failed: (
        "That sign-in did not finish",
        "The other provider did not confirm who you are. Try again.",
    ),
    already_linked: (
        "That account belongs to somebody else here",
        "It is connected with another user of this site. Sign in as that user, or use another account.",
    ),
    no_address: (
        "Your address is missing",
        "The other provider did not tell your e-mail address, and an account needs one. Allow it there, or choose another way to sign in.",
    ),
    last_way_in: (
        "This is your last way in",
        "Without it you could not sign in any more. Add another way first.",
    ),
    other_tenant: (
        "This is not your organisation’s page",
        "Your account belongs to another organisation. Use the address that it gave you.",
    ),
    blocked: (
        "Sign-in was refused",
        "Your organisation’s rules do not allow this sign-in. Ask an administrator.",
    ),
    your_session_over: ("Your session is over", "Sign in again to go on."),
    unavailable: (
        "Sign-in is not available right now",
        "The sign-in service, Identity Platform, cannot be reached. Nothing is wrong with your account or your password. Try again in a minute.",
    ),
    untrusted: (
        "Sign-in could not be confirmed",
        "Identity Platform’s answer did not pass this site’s own checks, so nobody was signed in. Try again; if it stays, the people who run this site have to look into it, and the log names the check.",
    ),
    misconfigured: (
        "Sign-in is not set up correctly",
        "Identity Platform does not accept this site’s settings. Nothing is wrong with your account; the people who run this site have to look into it, and the log names the cause.",
    ),
    unknown: (
        "Sign-in was refused",
        "Identity Platform refused for a reason this page does not know; the log names it. Try again, or ask the people who run this site.",
    ),

    signed_out: (
        "Sign in first",
        "Nobody is signed in, or the session has ended.",
        "Sign in on the start page.",
    ),
    cross_site: (
        "This form came from somewhere else",
        "The browser says that another site sent this form. It was not accepted, to keep other sites from acting in your name.",
        "Open the start page of this site and use the form there.",
    ),
    not_found: (
        "There is no such page",
        "Nothing is found at this address.",
        "Check the address, or go to the start page.",
    ),
    wrong_method: (
        "This address is not used that way",
        "The address exists, but not for this kind of request.",
        "Go to the start page and use its forms.",
    ),
    ambiguous_path: (
        "This address is ambiguous",
        "The path has dot segments, backslashes or encoded slashes, which two servers could read differently.",
        "Use the address without them.",
    ),
    bad_form: (
        "The form could not be read",
        "What arrived is not a filled-in sign-in form.",
        "Go to the start page and use the form there.",
    ),
    identity_platform: (
        "Your session cannot be renewed right now",
        "The sign-in service, Identity Platform, does not renew your session at the moment. You are not signed out.",
        "Try again in a minute: as soon as it answers, you go on where you were.",
    ),
    metadata_server: (
        "This site cannot prove who it is",
        "The metadata server, which vouches for this front end, gives no token. Without one the private services do not talk to it.",
        "Nothing is wrong with your account. Try again in a minute; if it stays, operators check GCE_METADATA_HOST and that the metadata server is running.",
    ),
    service_identity: (
        "This site was not let in",
        "The door in front of the private services does not accept this front end’s own identity. It is not about you or your account.",
        "An operator has to look: does the front end’s service account have the right to invoke the proxy, and is PROXY_AUDIENCE the proxy’s address?",
    ),
    token_expired: (
        "Your sign-in is too old for this",
        "The gateway in front of the private services says that your token has expired.",
        "Sign out and sign in again. If it stays, the clocks of the servers differ: tell the people who run this site.",
    ),
    token_refused: (
        "Your sign-in was not accepted",
        "The gateway in front of the private services does not accept the token of your sign-in.",
        "Sign out and sign in again. If it stays, operators compare the gateway’s RequestAuthentication (issuer, audience, keys) with this site’s project.",
    ),
    policy_refused: (
        "You may not see this",
        "You are signed in, but the gateway’s policy does not allow this for you.",
        "If you should see it, ask the people who run the private services: their AuthorizationPolicy decides.",
    ),
    no_proxy: (
        "The proxy is not running",
        "The door in front of the private services answers, but there is no proxy behind it.",
        "Try again in a minute. If it stays, operators start the proxy or look at why it does not start.",
    ),
    busy: (
        "Too many people at once",
        "The door in front of the private services has no capacity left at the moment.",
        "Try again in a minute.",
    ),
    proxy_unreachable: (
        "The proxy cannot be reached",
        "This front end gets no connection to the proxy that leads to the private services.",
        "Try again in a minute. If it stays, operators check that the proxy is up and that PROXY_URL is its address.",
    ),
    gateway_unreachable: (
        "The gateway cannot be reached",
        "This front end gets no connection to the gateway that leads to the private services.",
        "Try again in a minute. If it stays, operators check that the gateway is up and that PROXY_URL is its address.",
    ),
    gateway_behind_proxy: (
        "The gateway cannot be reached",
        "The proxy answers, but it cannot reach the gateway in front of the private services in time.",
        "Try again in a minute. If it stays, operators check that the gateway is up and that its certificate and the proxy’s fit.",
    ),
    backend_behind_gateway: (
        "The private service cannot be reached",
        "The gateway answers, but it cannot reach the private service in time.",
        "Try again in a minute. If it stays, operators check that the backend is up.",
    ),
    backend: (
        "The private service does not answer",
        "Everything on the way is fine, but the service that has the message is down, slow or broken.",
        "Try again in a minute. If it stays, operators look at the backend.",
    ),
    too_slow: (
        "This takes too long",
        "The private services did not answer in time, so this page stopped waiting.",
        "Try again in a minute. If it stays, operators find the slow hop by the trace id below.",
    ),
    unexpected: (
        "The private service gave a strange answer",
        "Something answered in a way that this page does not understand.",
        "Try again. If it stays, operators check what PROXY_URL leads to.",
    ),
    session_too_large: (
        "Your session does not fit",
        "Your account carries more data than a browser keeps in its cookies, so you could not be signed in.",
        "Ask the people who run this site to give your account fewer custom claims.",
    ),
    no_randomness: (
        "Your session could not be protected",
        "The server could not encrypt your session, so you were not signed in.",
        "Try again in a minute. If it stays, tell the people who run this site.",
    ),
};
