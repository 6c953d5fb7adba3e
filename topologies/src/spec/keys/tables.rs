//! The tables of the lab file.

use super::{Form, Key, Table};
use crate::spec::MAX_HUB_PORTS;
use crate::spec::link::{MAX_MTU, MIN_MTU};
use ovsdb::Table as OvsTable;

const fn key(name: &'static str, form: Form, doc: &'static str) -> Key {
    Key { name, form, default: "", doc, is_required: false, is_refused: false }
}

const fn or(default: &'static str, key: Key) -> Key {
    Key { default, ..key }
}

const fn needed(key: Key) -> Key {
    Key { is_required: true, ..key }
}

const fn refused(key: Key) -> Key {
    Key { is_refused: true, ..key }
}

const fn table(name: &'static str, place: &'static str, doc: &'static str, keys: &'static [Key]) -> Table {
    Table { name, place, doc, keys, parts: &[], columns: &[], one_of: &[] }
}

const NAME: Form = Form::Text(256);
const TO: Key =
    key("to", Form::End, "the link's other end: `NODE:PORT`; `NODE` is a host's eth0 or a hub's next free port");
const EXPECT_REACHABLE: Form = Form::Word(&["reachable", "unreachable"]);

/// The top level.
pub static LAB: Table = table(
    "lab",
    "the top level",
    "A lab. It has one node at least, and no two of one name. Names have 1 to 64 characters without `:`, `/` or blanks; `all` is reserved.",
    &[
        or("the file's own name", key("name", NAME, "the lab's name")),
        key("description", Form::Text(65536), "a line about the lab"),
        or("1", key("seed", Form::Integer(0, i64::MAX), "the seed of all its random streams")),
        or("false", key("overlapping_addresses", Form::Boolean, "whether hosts may have the same address")),
        key("vlans", Form::Named(&Form::Integer(0, 4095)), "names usable wherever a VLAN is: `admin = 10`"),
        key("switches", Form::Named(&Form::Table(&SWITCH)), "Open vSwitches"),
        key("hosts", Form::Named(&Form::Either(&[Form::Cidr, Form::Table(&HOST)])), "hosts: an address, or a table"),
        key("hubs", Form::Named(&Form::Table(&HUB)), "hubs: every frame goes out of every other port"),
        key("servers", Form::Named(&Form::Table(&SERVER)), "servers: a network stack and an Open vSwitch"),
        key("events", Form::List(&Form::Table(&EVENT)), "what happens when"),
        key("checks", Form::List(&Form::Table(&CHECK)), "what must be true"),
    ],
);

/// `[switches.S]`.
pub static SWITCH: Table = Table {
    parts: &[&BRIDGE],
    columns: &[OvsTable::Bridge],
    ..table(
        "switch",
        "`[switches.S]`",
        "An Open vSwitch with one bridge, `br0`, whose keys are its own, unless `bridges` has others.",
        &[
            key("bridges", Form::Named(&Form::Table(&BRIDGE)), "its bridges, if `br0` isn't the only one"),
            key(
                "setup",
                Form::Lines,
                "lines of `ovs-vsctl`, `ovs-ofctl` and `ovs-appctl`, run in order once the bridges are there",
            ),
        ],
    )
};

/// `[switches.S.bridges.B]`.
pub static BRIDGE: Table = Table {
    columns: &[OvsTable::Bridge],
    ..table(
        "bridge",
        "`[switches.S.bridges.B]`",
        "A bridge: columns of the table Bridge, and its ports.",
        &[
            key("ports", Form::Named(&Form::Table(&PORT)), "its ports, in the order of their numbers"),
            key(
                "flows",
                Form::Text(4096),
                "a file of flows beside the lab file, one a line, which are there before `setup` runs: as `ovs-ofctl add-flows`",
            ),
        ],
    )
};

/// `[switches.S.ports]`.
pub static PORT: Table = Table {
    parts: &[&LINK],
    columns: &[OvsTable::Port, OvsTable::Interface],
    ..table(
        "port",
        "`[switches.S.ports]`",
        "A port: columns of the tables Port and Interface (on a clash Port wins), and its link.",
        &[
            TO,
            key(
                "interface",
                Form::Table(&INTERFACE_COLUMNS),
                "columns of the table Interface, those included that Port has too",
            ),
        ],
    )
};

/// `interface` of a port.
pub static INTERFACE_COLUMNS: Table = Table {
    columns: &[OvsTable::Interface],
    ..table("interface-columns", "`interface` of a port", "Columns of the table Interface.", &[])
};

/// The keys of a link.
pub static LINK: Table = table(
    "link",
    "beside `to`",
    "The keys of a link stand on the end that has `to`. A value holds for both directions, or is `{ out = .., in = .. }` as seen from that end.",
    &[
        or("10us", key("delay", Form::BothWays(&Form::Time), "propagation")),
        or(
            "0",
            key(
                "jitter",
                Form::BothWays(&Form::Time),
                "uniform in delay - jitter to delay + jitter; it never reorders",
            ),
        ),
        or(
            "10Gbit",
            key(
                "rate",
                Form::BothWays(&Form::Rate),
                "serialisation takes ceil(8e9 x bytes / rate) ns of the captured bytes: no FCS, preamble or padding",
            ),
        ),
        or("0", key("loss", Form::BothWays(&Form::Share), "the chance that a frame is lost")),
        or("0", key("duplicate", Form::BothWays(&Form::Share), "the chance that a frame is sent twice")),
        or(
            "0",
            key(
                "corrupt",
                Form::BothWays(&Form::Share),
                "the chance that a bit is flipped; the frame dies at the receiver as `corrupt_fcs`",
            ),
        ),
        or("0", key("reorder", Form::BothWays(&Form::Share), "the chance that a frame skips delay and jitter")),
        or(
            "1000",
            key(
                "queue",
                Form::BothWays(&Form::Either(&[Form::Integer(0, 1_000_000), Form::Size])),
                "frames, or bytes, that wait beside the frame being sent",
            ),
        ),
        or(
            "1500",
            key(
                "mtu",
                Form::BothWays(&Form::Integer(MIN_MTU, MAX_MTU)),
                "bytes after the Ethernet header and up to two tags; a super-frame counts as its segments",
            ),
        ),
        or("true", key("up", Form::Boolean, "whether the link is up at the start")),
    ],
);

/// `[hosts]`.
pub static HOST: Table = Table {
    parts: &[&INTERFACE, &LINK],
    ..table(
        "host",
        "`[hosts]`",
        "A host: `name = \"IP/LEN\"`, or a table. Its own keys of an interface are eth0's. Without `ip` it is 10.0.0.N/8, N being the number that ends its name.",
        &[
            key("gateway", Form::OneOrMore(&Form::Address), "default gateways, one for each family"),
            key("routes", Form::List(&Form::Table(&ROUTE)), "other routes"),
            key(
                "interfaces",
                Form::Named(&Form::Either(&[Form::Cidr, Form::Table(&INTERFACE)])),
                "its interfaces; `\"eth0.10\"` implies its parent and VLAN 10",
            ),
            RUN,
            key("setup", Form::HostLines, "lines of its prompt, run in order before the lab begins"),
        ],
    )
};

const RUN: Key = key(
    "run",
    Form::List(&Form::Service),
    "services that it runs from the start: `iperf -s`, `http 80`, `listen tcp 22`",
);

/// `[servers.S]`.
pub static SERVER: Table = table(
    "server",
    "`[servers.S]`",
    "A server: NICs with a network stack of their own, and Open vSwitch. No bridge is there before `bridges` or `setup` make one; a link end that is no NIC is an unplugged interface (a TAP) until a bridge takes it.",
    &[
        key(
            "nics",
            Form::Named(&Form::Either(&[Form::Cidr, Form::Table(&INTERFACE)])),
            "its NICs; without `ip` one has no address",
        ),
        key("gateway", Form::OneOrMore(&Form::Address), "default gateways, one for each family"),
        key("routes", Form::List(&Form::Table(&ROUTE)), "other routes"),
        key(
            "bridges",
            Form::Named(&Form::Table(&BRIDGE)),
            "bridges that are there before `setup` runs; a port may be a NIC",
        ),
        key(
            "setup",
            Form::Lines,
            "command lines, run in order: Open vSwitch's tools and the commands of docs/server.md",
        ),
        RUN,
    ],
);

/// `[hosts.H.interfaces]`.
pub static INTERFACE: Table = Table {
    parts: &[&LINK],
    ..table(
        "interface",
        "`[hosts.H.interfaces]`",
        "An interface of a host: an address, or a table. `mtu` is the interface's own, and the link's where `to` stands beside it; a VLAN sub-interface has no link keys.",
        &[
            key("ip", Form::OneOrMore(&Form::Cidr), "its addresses, IPv4 and IPv6"),
            or("a hash of node and interface", key("mac", Form::Mac, "its MAC address, unicast")),
            TO,
            refused(key("dhcp", Form::Boolean, "asks for an address by DHCP")),
        ],
    )
};

/// `routes` of a host.
pub static ROUTE: Table = table(
    "route",
    "`routes` of a host",
    "A route.",
    &[needed(key("to", Form::Network, "where to")), needed(key("via", Form::Address, "the next hop"))],
);

/// `[hubs]`.
pub static HUB: Table = table(
    "hub",
    "`[hubs]`",
    "A hub.",
    &[or(
        "as many as links name",
        key("ports", Form::Integer(1, MAX_HUB_PORTS), "how many ports it has, called 1, 2 ..."),
    )],
);

/// `[[events]]`.
pub static EVENT: Table = table(
    "event",
    "`[[events]]`",
    "What happens at an instant. At one instant events come first, in the file's order, then frames, timers and checks.",
    &[
        needed(key("at", Form::Time, "when, from the lab's start")),
        needed(key(
            "do",
            Form::Command,
            "any line that could be typed at the prompt: `link s1:trunk down`, `h1 ping h2`",
        )),
    ],
);

/// `[[checks]]`.
pub static CHECK: Table = Table {
    one_of: &[&["ping", "reach", "apart", "frames", "drops", "mac", "tcp", "udp", "http", "throughput", "path"]],
    ..table(
        "check",
        "`[[checks]]`",
        "What must be true: a kind, and when.",
        &[
            or("the kind and what it is about", key("name", Form::Text(usize::MAX), "what reports call it")),
            or("when the check above is decided", key("at", Form::Time, "when it starts, from the lab's start")),
            or("5s", key("within", Form::Time, "how long it may take from its start")),
            key(
                "expect",
                Form::Word(&["reachable", "unreachable", "refused", "present", "absent"]),
                "the same as in the kind's own table",
            ),
            key("ping", Form::Table(&PING), "whether echo requests are answered"),
            key("reach", Form::Hosts, "every pair, both ways, has been answered"),
            key("apart", Form::Hosts, "nothing that these hosts send at each other arrives"),
            key("frames", Form::Table(&FRAMES), "how many frames a link carried, counted from time 0"),
            key("drops", Form::Table(&DROPS), "how many frames died, counted from time 0"),
            key("mac", Form::Table(&MAC), "whether a switch's MAC table has an entry"),
            key("tcp", Form::Table(&TCP), "whether a TCP port answers"),
            key("udp", Form::Table(&UDP), "whether a UDP port answers"),
            key("http", Form::Table(&HTTP), "whether a page can be had"),
            key("throughput", Form::Table(&THROUGHPUT), "how fast data goes"),
            key("path", Form::Table(&PATH), "which way an echo request goes, or where and why it ends"),
        ],
    )
};

/// `ping`.
pub static PING: Table = table(
    "ping",
    "`ping` of a check",
    "`reachable`: passes as soon as `count` requests have been answered; `count` requests leave each second. `unreachable`: passes at the end of `within`, if none was answered.",
    &[
        FROM,
        TO_WHOM,
        or("1", key("count", Form::Integer(1, 1_000_000), "echo requests in a try")),
        or("56", key("size", Form::Integer(0, 65507), "bytes of payload in each")),
        FAMILY,
        or("\"reachable\"", key("expect", EXPECT_REACHABLE, "what passes")),
    ],
);

const FAMILY: Key = or(
    "what the target has, IPv4 if both",
    key("family", Form::Either(&[Form::Number(&[4, 6]), Form::Word(FAMILIES)]), "IPv4 or IPv6"),
);
const FROM: Key = needed(key("from", Form::Node, "the host that asks"));
const TO_WHOM: Key =
    needed(key("to", Form::Either(&[Form::Node, Form::Address]), "the host or the address that is asked"));
const AT_PORT: Key = needed(key("port", Form::Integer(1, 65535), "the port there"));

/// `tcp`.
pub static TCP: Table = table(
    "tcp",
    "`tcp` of a check",
    "A connection is tried at the start and each second. `reachable`: passes at the first that is opened; `refused`: at the first that is refused; `unreachable`: at the end of `within`, if none was opened. If nothing listens and `to` is a host of the lab, the check opens an echo listener there, unless it wants a refusal.",
    &[
        FROM,
        TO_WHOM,
        AT_PORT,
        FAMILY,
        or("\"reachable\"", key("expect", Form::Word(&["reachable", "unreachable", "refused"]), "what passes")),
    ],
);

/// `udp`.
pub static UDP: Table = table(
    "udp",
    "`udp` of a check",
    "The same with a datagram that is to be answered.",
    &[FROM, TO_WHOM, AT_PORT, FAMILY, or("\"reachable\"", key("expect", EXPECT_REACHABLE, "what passes"))],
);

/// `http`.
pub static HTTP: Table = table(
    "http",
    "`http` of a check",
    "The page is asked for at the start and each second. `reachable`: passes at the first answer with this status and text; `unreachable`: at the end of `within`, if there was no answer at all.",
    &[
        FROM,
        needed(key("url", Form::Url, "what for; the host is a node's name or an address")),
        or("200", key("status", Form::Integer(100, 599), "the status that passes")),
        key("contains", Form::Text(usize::MAX), "what the page must contain"),
        or("\"reachable\"", key("expect", EXPECT_REACHABLE, "what passes")),
    ],
);

/// `throughput`.
pub static THROUGHPUT: Table = table(
    "throughput",
    "`throughput` of a check",
    "Data go from one host to another as with iperf; what counts is what arrived. A transfer that can't begin is tried again each second; the check is decided `within` after `for` at the latest.",
    &[
        needed(key("from", Form::Node, "the host that sends")),
        needed(key("to", Form::Node, "the host that receives")),
        or("\"tcp\"", key("proto", Form::Word(&["tcp", "udp"]), "by TCP or UDP")),
        or("1.048576Mbit", key("rate", Form::Rate, "how fast UDP sends")),
        or("10s", key("for", Form::Time, "how long; at most 1h")),
        key("min", Form::Rate, "the least rate that passes"),
        key("max", Form::Rate, "the greatest rate that passes"),
    ],
);

/// `path`.
pub static PATH: Table = Table {
    one_of: &[&["via", "dropped"]],
    ..table(
        "path",
        "`path` of a check",
        "An echo request is sent and followed as `netloom explain` does, at the start and again until it goes as it should. `via` passes if it was answered and the request passed these nodes in this order; there may be others between them. `dropped` passes if the packet, or a frame that it needs (ARP, the reply), dies for this reason.",
        &[
            FROM,
            TO_WHOM,
            key("via", Form::List(&Form::Node), "nodes that it passes, in order"),
            key("dropped", Form::DropReason, "why it ends"),
            or(
                "anywhere",
                key("at", Form::End, "with `dropped`: the node, or its port, where it ends; of a link, either end"),
            ),
        ],
    )
};

/// The words for the families of addresses; every other one is IPv6.
pub(crate) const FAMILIES: &[&str] = &["v4", "v6", "ipv4", "ipv6"];

/// What `apart` passes at: it has no table of its own.
pub const APART: &str = "`apart` passes at the end of `within` if no frame that each sent at the others came to another's NIC: to everybody, to an address that nobody has, to the other's own; untagged, and with each VLAN that a port or an interface of the lab mentions. What the NIC would make of the frame doesn't matter: what is apart is not even heard.";

/// `frames`.
pub static FRAMES: Table = table(
    "frames",
    "`frames` of a check",
    "Passes if as many frames arrived at the link's ends since time 0; judged at the start, or with `within` as soon as `min` holds.",
    &[
        needed(key("link", Form::End, "the link, named by either end")),
        or("\"both\"", key("direction", Form::Word(&["out", "in", "both"]), "as seen from the end that is named")),
        or("all frames", key("filter", Form::Match, "which frames")),
        or("1, or 0 if `max` is", key("min", Form::Integer(0, i64::MAX), "the least number that passes")),
        key("max", Form::Integer(0, i64::MAX), "the greatest number that passes"),
    ],
);

/// `drops`.
pub static DROPS: Table = table(
    "drops",
    "`drops` of a check",
    "The same for frames that died; what dies on a link also counts for the port at its far end.",
    &[
        key("node", Form::Node, "a node"),
        key("port", Form::Part, "a port of the node"),
        key("link", Form::End, "a link, named by either end, instead of a node"),
        or("any", key("reason", Form::DropReason, "why they died")),
        or("1, or 0 if `max` is", key("min", Form::Integer(0, i64::MAX), "the least number that passes")),
        key("max", Form::Integer(0, i64::MAX), "the greatest number that passes"),
    ],
);

/// `mac`.
pub static MAC: Table = Table {
    one_of: &[&["address", "host"]],
    ..table(
        "mac",
        "`mac` of a check",
        "Passes if the MAC table has such an entry, or has none; with `within` it is looked at every 10 ms.",
        &[
            needed(key("switch", Form::Node, "the switch")),
            or("br0, or its first", key("bridge", Form::Part, "its bridge")),
            or("any", key("vlan", Form::Vlan, "the entry's VLAN")),
            key("address", Form::Mac, "the MAC address"),
            key("host", Form::Node, "the host whose first interface's address it is, instead of `address`"),
            or("any", key("port", Form::Part, "the port that it is learnt on")),
            or("\"present\"", key("expect", Form::Word(&["present", "absent"]), "what passes")),
        ],
    )
};
