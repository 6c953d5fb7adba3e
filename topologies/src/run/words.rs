//! The tables of what the nodes of each kind take at the prompt.

use super::device::Device;
use crate::lab::command::CONSOLE;
use packet::Word;

const HOST: &[Word] = &[
    Word::new("ping", "HOST [-c COUNT] [-s SIZE] [-l SIZE] [-i MS] [-w MS] [-T TTL] [-D]", "sends echo requests")
        .with_details(
            "    -c COUNT            how many, 5 if not told\n    \
                 -s SIZE, -l SIZE    bytes of data, 56 if not told\n    \
                 -i MS               milliseconds from one to the next, 1000 if not told\n    \
                 -w MS               milliseconds to wait for each reply, 1000 if not told\n    \
                 -T TTL              time to live, 64 if not told\n    \
                 -D                  don't fragment\n",
        ),
    Word::new("show", "[all|arp|ip|ipv6]", "interfaces and addresses; the ARP and neighbour table"),
    Word::new("ip", "ADDRESS/LEN [GATEWAY]", "sets the address of the first interface, IPv4 or IPv6"),
    Word::new("arp", "", "the ARP table, as `show arp`"),
    Word::new("clear", "arp", "empties the ARP and neighbour table"),
];

const SWITCH: &[Word] = &[
    Word::new("ovs-vsctl", "COMMAND ..", "configures the switch, as ovs-vsctl(8)"),
    Word::new("ovs-ofctl", "COMMAND BRIDGE ..", "flows, ports and counters of a bridge, as ovs-ofctl(8)"),
    Word::new("ovs-appctl", "COMMAND ..", "MAC tables, as ovs-appctl(8)"),
];

/// What every node takes that takes anything.
const ALL: &[Word] = &[
    Word::new(CONSOLE, "", "lines go to this node until `exit`"),
    Word::new("help", "[COMMAND]", "this list, or what a command takes"),
];

/// What a node of this kind takes; nothing if it takes no commands.
pub(crate) fn of(device: &Device) -> impl Iterator<Item = &'static Word> + Clone {
    let (own, all) = match device {
        Device::Host(_) | Device::Server(_) => (HOST, ALL),
        Device::Switch(_) => (SWITCH, ALL),
        Device::Hub(_) => (&[][..], &[][..]),
    };
    own.iter().chain(all)
}
