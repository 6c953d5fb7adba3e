//! `netloom example`: the labs that are built in.

use crate::output::{Failure, PASSED, print};
use clap::Args;

/// The examples: name and text.
const EXAMPLES: &[(&str, &str)] = &[
    ("vlan-two-servers", include_str!("../examples/vlan-two-servers.toml")),
    ("access-trunk-native", include_str!("../examples/access-trunk-native.toml")),
    ("qinq-provider", include_str!("../examples/qinq-provider.toml")),
    ("slow-lossy-wan", include_str!("../examples/slow-lossy-wan.toml")),
    ("link-failure", include_str!("../examples/link-failure.toml")),
    ("mac-table-overflow", include_str!("../examples/mac-table-overflow.toml")),
    ("ipv6-neighbours", include_str!("../examples/ipv6-neighbours.toml")),
    ("broadcast-loop", include_str!("../examples/broadcast-loop.toml")),
    ("spanning-tree", include_str!("../examples/spanning-tree.toml")),
    ("rapid-spanning-tree", include_str!("../examples/rapid-spanning-tree.toml")),
    ("bpdu-guard", include_str!("../examples/bpdu-guard.toml")),
    ("services", include_str!("../examples/services.toml")),
    ("tutorial-vlans", include_str!("../examples/tutorial-vlans.toml")),
    ("tutorial-trunk", include_str!("../examples/tutorial-trunk.toml")),
    ("drop-port-80", include_str!("../examples/drop-port-80.toml")),
    ("port-forwarding", include_str!("../examples/port-forwarding.toml")),
    ("arp-spoofing-guard", include_str!("../examples/arp-spoofing-guard.toml")),
    ("learning-in-tables", include_str!("../examples/learning-in-tables.toml")),
    ("load-balancer", include_str!("../examples/load-balancer.toml")),
    ("fast-failover", include_str!("../examples/fast-failover.toml")),
    ("rate-limit", include_str!("../examples/rate-limit.toml")),
    ("five-tables", include_str!("../examples/five-tables.toml")),
];

/// The arguments of `example`.
#[derive(Debug, Args)]
pub(crate) struct ExampleArgs {
    /// The example to write to standard output; without it, they are listed
    name: Option<String>,
}

/// Lists the examples or writes one.
pub(crate) fn run(args: &ExampleArgs) -> Result<u8, Failure> {
    let Some(name) = &args.name else {
        for (name, text) in EXAMPLES {
            let title = text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']);
            print(&format!("{name:<20} {title}\n"))?;
        }
        return Ok(PASSED);
    };
    let Some((_, text)) = EXAMPLES.iter().find(|(known, _)| known == name) else {
        let near = packet::nearest(name, EXAMPLES.iter().map(|(known, _)| *known));
        let hint = near.map_or("`netloom example` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
        return Err(Failure::usage(format!("there is no example `{name}`; {hint}")));
    };
    print(text)?;
    Ok(PASSED)
}
