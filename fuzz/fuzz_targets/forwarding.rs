//! Packets of any bytes through a server that forwards both families, to a smaller MTU and into a VLAN: nothing panics, and
//! nothing is left in flight. Two hosts send each other what they like, and the server's own ports are open as well.
#![no_main]

use packet::EtherType;
use packet::wire::{ethernet, ipv4};

const LAB: &str = r#"
[servers.r1]
nics.eth0 = { ip = ["10.0.0.254/24", "2001:db8::fe/64"] }
nics.eth1 = { ip = ["10.1.0.254/24", "2001:db8:1::fe/64"] }
routes = [{ to = "10.9.0.0/16", via = "10.1.0.9" }, { to = "10.8.0.0/16", via = "10.1.0.2" }]
run = ["http 80"]
setup = """
sysctl -w net.ipv4.ip_forward=1
sysctl -w net.ipv6.conf.all.forwarding=1
ip link set dev eth1 mtu 600
ip link add link eth1 name eth1.7 type vlan id 7
ip link set dev eth1.7 up
ip addr add 10.7.0.254/24 dev eth1.7
"""
[hosts]
h1 = { ip = ["10.0.0.1/24", "2001:db8::1/64"], gateway = "10.0.0.254", to = "r1:eth0" }
h2 = { ip = ["10.1.0.2/24", "2001:db8:1::2/64"], gateway = "10.1.0.254", to = "r1:eth1" }
"#;

/// Gives a packet the way to the server, and a header that is mostly good: the first two bytes say how good.
fn shape(net: &topologies::run::Net, bytes: &mut Vec<u8>) {
    let &[kind, end, ..] = &bytes[..] else { return };
    if kind >= 0xf0 {
        return;
    }
    let server = net.names().find("r1").expect("it is in the lab");
    let mac = net.host(server).and_then(|host| host.stack().interfaces().get(usize::from(kind >> 7)));
    let mac = mac.expect("two NICs").mac();
    bytes.splice(..2, [0; ethernet::HEADER_SIZE]);
    let (header, packet) = bytes.split_at_mut(ethernet::HEADER_SIZE);
    let ethertype = if kind & 1 == 0 { EtherType::IPV4 } else { EtherType::IPV6 };
    ethernet::Repr { dst: mac, src: packet::MacAddr([2, 0, 0, 0, 9, 9]), ethertype }.emit(header);
    if kind & 1 == 0 {
        let Some(fixed) = packet.first_chunk_mut::<20>() else { return };
        let words = if kind & 2 == 0 { 5 } else { fixed[0] & 15 };
        fixed[0] = 0x40 | words;
        let network = [[10, 0, 0], [10, 1, 0], [10, 7, 0], [10, 9, 1], [10, 8, 1], [224, 0, 0], [10, 0, 0], [10, 1, 0]];
        if kind & 4 == 0 {
            fixed[12..16].copy_from_slice(&[10, (end >> 3) & 1, 0, end >> 4]);
            fixed[16..19].copy_from_slice(&network[usize::from(end & 7)]);
        }
        let size = packet.len();
        if kind & 8 == 0 {
            packet[2..4].copy_from_slice(&(size as u16).to_be_bytes());
        }
        if let Ok(mut packet) = ipv4::Packet::new_header(packet) {
            packet.fill_checksum();
        }
    } else if packet.len() >= 40 {
        packet[0] = 0x60 | packet[0] & 15;
        let size = packet.len() - 40;
        packet[4..6].copy_from_slice(&(size as u16).to_be_bytes());
        if kind & 4 == 0 {
            packet[8..23].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, end & 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            packet[24..39].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, end >> 1 & 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
    }
}

libfuzzer_sys::fuzz_target!(|frames: Vec<(u8, Vec<u8>)>| {
    netloom_fuzz::send_from_hosts(LAB, &["h1", "h2"], &frames, shape);
});
