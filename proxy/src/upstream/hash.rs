//! Consistent hashing as Envoy computes it: a change of endpoints moves few keys, and an instance of
//! `proxy` chooses as a gateway beside it does. Pure.

/// Where keys lead.
#[derive(Debug)]
pub(crate) enum Table {
    /// Hashes in order, each with its endpoint.
    Ring(Vec<(u64, usize)>),
    /// An endpoint for each remainder.
    Maglev(Vec<usize>),
}

impl Table {
    /// A ring with `least` entries for the lightest endpoint; `hosts` are names and weights.
    pub(crate) fn ring(hosts: &[(&str, u32)], least: u64) -> Table {
        let total: f64 = hosts.iter().map(|(_, weight)| f64::from(*weight)).sum();
        let share = |weight: u32| f64::from(weight) / total;
        let lightest = hosts.iter().map(|(_, weight)| share(*weight)).fold(1.0, f64::min);
        let size = ((lightest * least as f64).ceil() / lightest).min(LARGEST_RING);
        let mut ring = Vec::new();
        let (mut wanted, mut made) = (0.0, 0.0);
        for (at, (name, weight)) in hosts.iter().enumerate() {
            wanted += size * share(*weight);
            let mut number = 0_u64;
            while made < wanted {
                ring.push((xxh64(format!("{name}_{number}").as_bytes(), 0), at));
                number += 1;
                made += 1.0;
            }
        }
        ring.sort_unstable_by_key(|(hash, _)| *hash);
        Table::Ring(ring)
    }

    /// A Maglev table of a prime size.
    pub(crate) fn maglev(hosts: &[(&str, u32)], size: u64) -> Table {
        struct Host {
            at: usize,
            weight: u64,
            next: u64,
            skip: u64,
            target: u64,
        }
        let mut sorted: Vec<usize> = (0..hosts.len()).collect();
        sorted.sort_unstable_by_key(|at| hosts[*at].0);
        let mut sorted: Vec<Host> = sorted
            .into_iter()
            .map(|at| Host {
                at,
                weight: hosts[at].1.into(),
                next: xxh64(hosts[at].0.as_bytes(), 0) % size,
                skip: xxh64(hosts[at].0.as_bytes(), 1) % (size - 1) + 1,
                target: 0,
            })
            .collect();
        let heaviest = sorted.iter().map(|host| host.weight).max().unwrap_or(1);
        let mut table = vec![FREE; usize::try_from(size).unwrap_or(0)];
        let mut left = if sorted.is_empty() { 0 } else { table.len() };
        for round in 1_u64.. {
            for host in &mut sorted {
                if left == 0 {
                    return Table::Maglev(table);
                }
                if round.saturating_mul(host.weight) < host.target {
                    continue;
                }
                host.target += heaviest;
                while let Some(slot) = table.get_mut(usize::try_from(host.next).unwrap_or(0)) {
                    host.next = (host.next + host.skip) % size;
                    if *slot == FREE {
                        *slot = host.at;
                        left -= 1;
                        break;
                    }
                }
            }
            if left == 0 {
                break;
            }
        }
        Table::Maglev(table)
    }

    /// The endpoint of a key; later attempts go on to others.
    pub(crate) fn pick(&self, key: u64, attempt: u64) -> Option<usize> {
        match self {
            Table::Ring(ring) => {
                let first = ring.partition_point(|(hash, _)| *hash < key);
                let first = if first == ring.len() { 0 } else { first };
                let length = u64::try_from(ring.len()).ok().filter(|length| *length > 0)?;
                let at = (first as u64 + attempt) % length;
                ring.get(usize::try_from(at).ok()?).map(|(_, host)| *host)
            }
            Table::Maglev(table) => {
                let key = if attempt == 0 {
                    key
                } else {
                    key ^ attempt.wrapping_neg()
                };
                let at = key.checked_rem(table.len() as u64)?;
                table.get(usize::try_from(at).ok()?).copied()
            }
        }
    }
}

/// xxHash64 (<https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>).
pub(crate) fn xxh64(bytes: &[u8], seed: u64) -> u64 {
    let (stripes, rest) = bytes.as_chunks::<32>();
    let mut hash = if stripes.is_empty() {
        seed.wrapping_add(P5)
    } else {
        let mut lanes = [
            seed.wrapping_add(P1).wrapping_add(P2),
            seed.wrapping_add(P2),
            seed,
            seed.wrapping_sub(P1),
        ];
        for stripe in stripes {
            for (lane, word) in lanes.iter_mut().zip(stripe.as_chunks::<8>().0) {
                *lane = round(*lane, u64::from_le_bytes(*word));
            }
        }
        let turned = [1, 7, 12, 18]
            .iter()
            .zip(lanes)
            .map(|(by, lane)| lane.rotate_left(*by));
        let merged = turned.fold(0, u64::wrapping_add);
        lanes.iter().fold(merged, |hash: u64, lane| {
            (hash ^ round(0, *lane)).wrapping_mul(P1).wrapping_add(P4)
        })
    };
    hash = hash.wrapping_add(bytes.len() as u64);
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        hash ^= round(0, u64::from_le_bytes(*word));
        hash = hash.rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
    }
    let (halves, rest) = rest.as_chunks::<4>();
    for half in halves {
        hash ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(P1);
        hash = hash.rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
    }
    for byte in rest {
        hash ^= u64::from(*byte).wrapping_mul(P5);
        hash = hash.rotate_left(11).wrapping_mul(P1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(P2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(P3);
    hash ^ (hash >> 32)
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2))
        .rotate_left(31)
        .wrapping_mul(P1)
}

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;
/// A slot of a table that nobody has taken.
const FREE: usize = usize::MAX;
/// Envoy's bound on a ring's entries.
const LARGEST_RING: f64 = 8_388_608.0;

#[cfg(test)]
mod tests {
    use super::{Table, xxh64};

    #[test]
    fn hashes_are_those_of_the_reference_implementation() {
        for (text, seed, wanted) in XXH {
            assert_eq!(xxh64(text.as_bytes(), seed), wanted, "{text:?}, {seed}");
        }
    }

    #[test]
    fn a_ring_has_each_endpoint_by_its_weight_and_ends_where_it_begins() {
        let table = Table::ring(&[("10.0.0.1:80", 1), ("10.0.0.2:80", 3)], 1024);
        let Table::Ring(ring) = &table else {
            panic!("a ring")
        };
        assert_eq!(ring.len(), 1024);
        assert_eq!(ring.iter().filter(|(_, host)| *host == 0).count(), 256);
        let (last, _) = ring[1023];
        assert_eq!(table.pick(last.wrapping_add(1), 0), Some(ring[0].1));
        assert_eq!(table.pick(last, 1), Some(ring[0].1));
        assert_eq!(table.pick(ring[7].0, 0), Some(ring[7].1));
    }

    #[test]
    fn a_maglev_table_is_full_and_shares_by_weight() {
        let hosts = [("10.0.0.2:80", 1), ("10.0.0.1:80", 3)];
        let Table::Maglev(table) = Table::maglev(&hosts, 65_537) else {
            panic!("a table")
        };
        let light = table.iter().filter(|host| **host == 0).count();
        assert!((16_000..16_800).contains(&light), "{light}");
        assert!(table.iter().all(|host| *host < 2));
    }

    #[test]
    fn who_leaves_takes_only_its_own_keys_along() {
        let all = [("10.0.0.1:80", 1), ("10.0.0.2:80", 1), ("10.0.0.3:80", 1)];
        // as many entries each before and after: Envoy makes more of them when fewer endpoints share a ring
        let (before, after) = (Table::ring(&all, 300), Table::ring(&all[..2], 200));
        let keys = (0..1000_u32).map(|key| xxh64(&key.to_le_bytes(), 0));
        let moved =
            keys.filter(|key| before.pick(*key, 0) != Some(2) && before.pick(*key, 0) != after.pick(*key, 0));
        assert_eq!(moved.count(), 0);
    }

    #[test]
    fn nobody_is_chosen_where_nobody_is() {
        assert_eq!(Table::ring(&[], 1024).pick(1, 0), None);
    }

    #[test]
    fn keys_lead_where_an_independent_computation_says() {
        let hosts = [("10.0.0.1:80", 1), ("10.0.0.2:80", 1), ("10.0.0.3:80", 1)];
        let (ring, maglev) = (Table::ring(&hosts, 1024), Table::maglev(&hosts, 65_537));
        for (key, on_ring, in_table) in KEYS {
            let hash = xxh64(key.as_bytes(), 0);
            assert_eq!(ring.pick(hash, 0), Some(on_ring), "{key}");
            assert_eq!(maglev.pick(hash, 0), Some(in_table), "{key}");
        }
    }

    /// The case `resilience-consistent-hash` of the recordings, which the conformance run cannot repeat: a hash
    /// covers the endpoint's port, and each run has ports of its own.
    #[test]
    fn users_spread_over_three_endpoints_as_envoy_was_seen_to_spread_them() {
        let [a, b, c] = ["127.0.0.1:31901", "127.0.0.1:31902", "127.0.0.1:31903"].map(|name| (name, 1));
        for (table, counts) in [
            (Table::ring(&[a, b, c], 1024), [17, 20, 23]),
            (Table::ring(&[a, b, c], 16), [16, 16, 28]),
            (Table::maglev(&[a, b, c], 65_537), [25, 13, 22]),
        ] {
            let mut seen = [0; 3];
            for user in 0..60 {
                let key = xxh64(format!("user-{user}").as_bytes(), 0);
                seen[table.pick(key, 0).unwrap()] += 1;
            }
            assert_eq!(seen, counts);
        }
        // while a is ejected
        let two = Table::ring(&[b, c], 1024);
        for (user, host) in [("user-8", 0), ("user-0", 1)] {
            assert_eq!(two.pick(xxh64(user.as_bytes(), 0), 0), Some(host), "{user}");
        }
    }

    const KEYS: [(&str, usize, usize); 6] = [
        ("alice", 1, 0),
        ("bob", 0, 2),
        ("carol", 0, 1),
        ("dave", 1, 2),
        ("erin", 2, 1),
        ("frank", 0, 2),
    ];

    const XXH: [(&str, u64, u64); 8] = [
        ("", 0, 0xef46_db37_51d8_e999),
        ("", 1, 0xd5af_ba13_36a3_be4b),
        ("a", 0, 0xd24e_c4f1_a98c_6e5b),
        ("shopper", 0, 0x1e57_2a99_3e1e_3f0e),
        ("127.0.0.1:31901_0", 0, 0x2350_d56c_5232_caea),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy", 0, 0x0fe5_f6a5_ab80_54be),
        (
            "0123456789012345678901234567890123456789012345678901234567890123456789abc",
            0,
            0xfdf5_df7a_0847_acf7,
        ),
        ("127.0.0.1:31901", 1, 0x28c0_f2a5_5566_4749),
    ];
}
