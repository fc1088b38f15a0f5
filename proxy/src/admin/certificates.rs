//! `/certs`: every certificate and CA in use, with what an operator asks about them. No keys.

use serde_json::{Value, json};

use crate::runtime::Runtime;
use crate::tls::certificate::Certificate;
use crate::tls::inventory::Held;

/// By whose they are, in the manner of Envoy's `/certs`.
pub(super) fn json(runtime: &Runtime, now: i64) -> Value {
    let all = runtime.certificates().into_iter().map(|(owner, held)| {
        let certificates: Vec<Value> = held.iter().map(|one| of(one, now)).collect();
        json!({"owner": owner, "certificates": certificates})
    });
    json!({"certificates": all.collect::<Vec<_>>()})
}

fn of(held: &Held, now: i64) -> Value {
    let Certificate {
        uris,
        dns,
        emails,
        ips,
        subject,
        issuer,
        serial,
        not_before,
        not_after,
    } = &held.certificate;
    let text = |kind: &str, names: &[String]| -> Vec<String> {
        names.iter().map(|name| format!("{kind}:{name}")).collect()
    };
    let addresses = ips.iter().map(|ip| format!("IP:{ip}")).collect();
    let names = [
        text("URI", uris),
        text("DNS", dns),
        text("email", emails),
        addresses,
    ];
    json!({
        "kind": held.kind.name(),
        "file": held.file,
        "subject": subject,
        "issuer": issuer,
        "subject_alt_names": names.concat(),
        "serial_number": serial,
        "valid_from": date(*not_before),
        "expiration_time": date(*not_after),
        "days_until_expiration": (not_after - now).div_euclid(DAY),
    })
}

/// RFC 3339 from seconds since the epoch, by counting in eras of 400 years that begin in March.
fn date(seconds: i64) -> String {
    let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let days = days + 719_468; // from 0000-03-01
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153; // 0 is March
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
