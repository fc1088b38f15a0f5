//! The provider becomes the mesh's second issuer, by the edits that docs/providers.md prints, while the
//! system runs.

use crate::callers::change;
use crate::diff::Diff;
use crate::harness::{System, workspace};
use crate::provider::Provider;
use crate::visitor::{MESSAGE, Visitor};

const SECRET: &str = "/api/secure.json";
const HELLO: &str = r#"{"message":"Hello World"}"#;
/// The issuer that the page prints.
const PRINTED: &str = "https://login.acme.example/realms/staff";

/// What docs/providers.md prints.
pub(crate) struct Printed {
    /// `OIDC_PROVIDERS`.
    pub(crate) providers: String,
    /// The edit of `users.yaml`.
    pub(crate) rule: Diff,
    /// The edit of `policy.yaml`.
    pub(crate) principal: Diff,
}

impl Printed {
    /// For a topology, with this issuer in place of the printed one.
    pub(crate) fn read(topology: &str, issuer: &str) -> Printed {
        let page = workspace().join("docs/providers.md");
        let text = std::fs::read_to_string(&page).unwrap();
        let (_, json) = text.split_once("\n```json\n").unwrap();
        let [private, principal, gke] = <[Diff; 3]>::try_from(Diff::printed_in(&page))
            .ok()
            .expect("three edits");
        let rule = if topology == "gke" { gke } else { private };
        assert_eq!(rule.file(), format!("istio/{topology}/users.yaml"));
        assert_eq!(principal.file(), "istio/private/policy.yaml");
        Printed {
            providers: json.split("\n```").next().unwrap().to_owned(),
            rule: rule.with(PRINTED, issuer),
            principal: principal
                .with(PRINTED, issuer)
                .of(&format!("istio/{topology}/policy.yaml")),
        }
    }
}

#[tokio::test]
async fn the_printed_edits_make_the_provider_an_issuer_of_the_mesh() {
    printed_edits("private", "frontend").await;
}

#[tokio::test]
async fn and_so_they_do_with_everything_on_gke() {
    printed_edits("gke", "gateway").await;
}

async fn printed_edits(topology: &str, entry: &str) {
    let mut provider = Provider::start();
    let printed = Printed::read(topology, &provider.issuer);
    let providers = provider.variable(&printed.providers);
    let variables = [("OIDC_PROVIDERS", providers.as_str())];
    let system = System::start_told(&["--topology", topology], &variables).await;
    let origin = system.url(entry);
    provider.register(&origin, 3600);
    let visitor = || Visitor::of(origin.clone());
    let (mut staff, mut stranger, mut shopper) = (visitor(), visitor(), visitor());
    provider.sign_in(&mut staff, &origin, "staff", "ada").await;
    provider.sign_in(&mut stranger, &origin, "stranger", "ada").await;
    shopper.sign_in().await;

    let refused = (401, "Jwt issuer is not configured".to_owned());
    assert_eq!(staff.get(SECRET).await, refused);
    assert!(!staff.get("/").await.1.contains(MESSAGE));

    let checkout = system.documents();
    let checkout = checkout.parent().unwrap();
    change(&system, || printed.rule.apply(checkout)).await;
    let refused = (403, "RBAC: access denied".to_owned());
    assert_eq!(staff.get(SECRET).await, refused);
    assert!(!staff.get("/").await.1.contains(MESSAGE));

    change(&system, || printed.principal.apply(checkout)).await;
    for (who, address) in [
        (&mut staff, "ada@provider.example"),
        (&mut shopper, "shopper@acme.example"),
    ] {
        assert_eq!(who.get(SECRET).await, (200, HELLO.to_owned()), "{address}");
        let (status, page) = who.get("/").await;
        assert!(
            status == 200 && page.contains(MESSAGE) && page.contains(address),
            "{page}"
        );
    }
    // the same person at the same provider, but the token was made for another program
    let refused = (403, "Audiences in Jwt are not allowed".to_owned());
    assert_eq!(stranger.get(SECRET).await, refused);
    assert!(!stranger.get("/").await.1.contains(MESSAGE));
}
