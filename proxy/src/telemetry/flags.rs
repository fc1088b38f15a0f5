//! Envoy's response flags, several of them joined as its access log joins them.

use std::fmt;

/// What was special about a request: nothing, most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// An injected delay.
    pub(crate) delayed: bool,
    /// The last attempt failed, too, and the route allows no more.
    pub(crate) exhausted: bool,
    /// Why the answer is our own, or cut; `-` is no reason.
    pub(crate) reason: &'static str,
}

impl Flags {
    /// Nothing to tell.
    pub(crate) const NONE: Flags = Flags {
        delayed: false,
        exhausted: false,
        reason: "-",
    };

    /// As text; none when there is nothing to tell.
    pub(crate) fn text(self) -> Option<String> {
        (self != Flags::NONE).then(|| self.to_string())
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delayed = self.delayed.then_some("DI");
        let exhausted = self.exhausted.then_some("URX");
        let reason = Some(self.reason).filter(|reason| *reason != "-");
        let mut all = delayed.into_iter().chain(exhausted).chain(reason);
        f.write_str(all.next().unwrap_or("-"))?;
        all.try_for_each(|flag| write!(f, ",{flag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_joined_as_envoy_joins_them() {
        let flags = |delayed, exhausted, reason| {
            let flags = Flags {
                delayed,
                exhausted,
                reason,
            };
            flags.to_string()
        };
        assert_eq!(flags(false, false, "-"), "-");
        assert_eq!(flags(false, false, "NR"), "NR");
        assert_eq!(flags(true, false, "FI"), "DI,FI");
        assert_eq!(flags(true, true, "-"), "DI,URX");
        assert_eq!(flags(false, true, "UF"), "URX,UF");
        assert_eq!(Flags::NONE.text(), None);
    }
}
