//! Frames, as a flow's text and as bytes.

use super::values::{Kind, bits, chance, pick, station};
use sim_core::Stream;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    Arp,
    Rarp,
    Ip4(u8),
    Ip6(u8),
    /// So many label stack entries.
    Mpls(u8),
    /// An Ethernet type of its own.
    Type(u16),
    /// 802.3 with LLC and no type.
    Llc,
}

/// A frame.
#[derive(Clone, Debug)]
pub struct Frame {
    pub in_port: u16,
    dst: u64,
    src: u64,
    /// Type, priority, VLAN; the outer one first.
    tags: Vec<(u16, u16, u16)>,
    payload: Payload,
    tos: u8,
    ttl: u8,
    /// 0 for a whole packet, 1 for the first fragment, 2 for a later one.
    fragment: u8,
    ip4: [u32; 2],
    ip6: [u128; 2],
    label: u32,
    /// Ports, or type and code.
    ports: [u16; 2],
    flags: u16,
    arp_op: u16,
    arp_macs: [u64; 2],
    target: u128,
    lses: Vec<u32>,
    pkt_mark: u32,
}

/// A frame as a command says it: its port and, if it comes as bytes, these.
#[derive(Clone, Debug)]
pub struct Said {
    pub flow: String,
    pub bytes: Option<String>,
}

impl Said {
    /// Its port and bytes, if it comes as bytes.
    pub fn on_the_wire(&self) -> Option<(u32, Vec<u8>)> {
        let port = self.flow.strip_prefix("in_port=")?.parse().ok()?;
        let digits = self.bytes.as_deref()?;
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("it is hexadecimal");
        Some((port, (0..digits.len()).step_by(2).map(byte).collect()))
    }

    /// The words of the command that asks what becomes of it.
    pub fn words(&self) -> Vec<&str> {
        let mut words = vec!["ofproto/trace", "br0", &self.flow];
        words.extend(self.bytes.as_deref());
        words
    }
}

pub fn payload(random: &mut Stream) -> Payload {
    match random.below(20) {
        0..=9 => Payload::Ip4(pick(random, &[6, 6, 6, 17, 17, 132, 1, 1, 2, 47])),
        10..=14 => Payload::Ip6(pick(random, &[6, 6, 17, 132, 58, 58, 89])),
        15..=16 => Payload::Arp,
        17 => Payload::Mpls(1 + random.below(3) as u8),
        18 => Payload::Type(pick(random, &[0x88cc, 0x9000, 0x0600])),
        _ => pick(random, &[Payload::Rarp, Payload::Llc]),
    }
}

pub fn frame(random: &mut Stream) -> Frame {
    let payload = payload(random);
    let tag = |random: &mut Stream| {
        let vlan = pick(random, &super::VLANS);
        (pick(random, &[0x8100, 0x8100, 0x88a8]), random.below(8) as u16, vlan)
    };
    let tags = match random.below(6) {
        0..=2 => 0,
        3 | 4 => 1,
        _ => 2,
    };
    let icmp = match payload {
        Payload::Ip4(1) => Some(pick(random, &[0, 3, 8, 11])),
        Payload::Ip6(58) => Some(pick(random, &[1, 128, 129, 135, 135, 136, 136])),
        _ => None,
    };
    let ports = match icmp {
        Some(kind) => [kind, if kind >= 135 { 0 } else { pick(random, &[0, 1, 3]) }],
        None => [Kind::Port.value(random) as u16, Kind::Port.value(random) as u16],
    };
    let labels = if let Payload::Mpls(n) = payload { n } else { 0 };
    Frame {
        in_port: 1 + random.below(4) as u16,
        dst: Kind::Mac.value(random) as u64,
        src: station(random),
        tags: (0..tags).map(|_| tag(random)).collect(),
        payload,
        tos: pick(random, &[0, 0, 1, 4, 184, 186, 255]),
        ttl: pick(random, &[64, 64, 255, 2, 1, 0]),
        fragment: pick(random, &[0, 0, 0, 0, 0, 0, 1, 2]),
        ip4: [Kind::Ip4.value(random) as u32, Kind::Ip4.value(random) as u32],
        ip6: [Kind::Ip6.value(random), Kind::Ip6.value(random)],
        label: pick(random, &[0, 0, 1, 0xfffff]),
        ports,
        flags: pick(random, &[0x002, 0x012, 0x010, 0x018, 0x011, 0x004, 0x014]),
        arp_op: Kind::ArpOp.value(random) as u16,
        arp_macs: [station(random), if chance(random, 2) { 0 } else { station(random) }],
        target: Kind::Ip6.value(random),
        lses: (1..=labels)
            .map(|n| {
                let label = pick(random, &[3, 16, 100, 0xfffff]) << 12;
                label | pick(random, &[0, 0, 5]) << 9 | u32::from(n == labels) << 8 | pick(random, &[64, 2, 1, 0])
            })
            .collect(),
        pkt_mark: if chance(random, 6) { bits(random, 32) as u32 } else { 0 },
    }
}

impl Frame {
    /// As a command says it: as bytes, or where it can be a flow's text sometimes as that.
    pub fn said(&self, random: &mut Stream) -> Said {
        let flow = format!("in_port={}", self.in_port);
        // A flow's text has no word for a second tag.
        let as_text = self.tags.len() < 2 && self.payload != Payload::Llc && chance(random, 2);
        if as_text {
            return Said { flow: self.text(), bytes: None };
        }
        let bytes = self.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Said { flow, bytes: Some(bytes) }
    }

    fn is_nd(&self) -> bool {
        self.payload == Payload::Ip6(58) && self.fragment == 0 && matches!(self.ports[0], 135 | 136)
    }

    fn text(&self) -> String {
        let mac = |value: u64| Kind::Mac.text(value.into());
        let mut terms = vec![
            format!("in_port={}", self.in_port),
            format!("dl_src={}", mac(self.src)),
            format!("dl_dst={}", mac(self.dst)),
        ];
        if self.pkt_mark != 0 {
            terms.push(format!("pkt_mark={:#x}", self.pkt_mark));
        }
        if let Some((_, priority, vlan)) = self.tags.first() {
            terms.push(format!("dl_vlan={vlan}"));
            terms.push(format!("dl_vlan_pcp={priority}"));
        }
        match self.payload {
            Payload::Arp | Payload::Rarp => {
                terms.push(if self.payload == Payload::Arp { "arp" } else { "rarp" }.to_owned());
                terms.push(format!("arp_op={}", self.arp_op));
                terms.push(format!("arp_spa={}", Kind::Ip4.text(self.ip4[0].into())));
                terms.push(format!("arp_tpa={}", Kind::Ip4.text(self.ip4[1].into())));
                terms.push(format!("arp_sha={}", mac(self.arp_macs[0])));
                terms.push(format!("arp_tha={}", mac(self.arp_macs[1])));
            }
            Payload::Ip4(protocol) => {
                terms.push(protocol_words(protocol, ["ip", "tcp", "udp", "sctp", "icmp"]));
                terms.push(format!("nw_src={}", Kind::Ip4.text(self.ip4[0].into())));
                terms.push(format!("nw_dst={}", Kind::Ip4.text(self.ip4[1].into())));
                self.ip_text(protocol, &mut terms);
            }
            Payload::Ip6(protocol) => {
                terms.push(protocol_words(protocol, ["ipv6", "tcp6", "udp6", "sctp6", "icmp6"]));
                terms.push(format!("ipv6_src={}", Kind::Ip6.text(self.ip6[0])));
                terms.push(format!("ipv6_dst={}", Kind::Ip6.text(self.ip6[1])));
                terms.push(format!("ipv6_label={:#x}", self.label));
                self.ip_text(protocol, &mut terms);
            }
            Payload::Mpls(_) => {
                let lse = self.lses[0];
                terms.push(format!("mpls,mpls_label={},mpls_tc={}", lse >> 12, lse >> 9 & 7));
                terms.push(format!("mpls_bos={},mpls_ttl={}", lse >> 8 & 1, lse & 0xff));
            }
            Payload::Type(ethertype) => terms.push(format!("dl_type={ethertype:#x}")),
            Payload::Llc => {}
        }
        terms.join(",")
    }

    fn ip_text(&self, protocol: u8, terms: &mut Vec<String>) {
        terms.push(format!("nw_tos={},nw_ecn={},nw_ttl={}", self.tos & 0xfc, self.tos & 3, self.ttl));
        terms.push(format!("nw_frag={}", ["no", "first", "later"][usize::from(self.fragment)]));
        if self.fragment == 2 {
            return;
        }
        let [a, b] = self.ports;
        match protocol {
            6 => terms.push(format!("tcp_src={a},tcp_dst={b}")),
            17 => terms.push(format!("udp_src={a},udp_dst={b}")),
            132 => terms.push(format!("sctp_src={a},sctp_dst={b}")),
            1 => terms.push(format!("icmp_type={a},icmp_code={b}")),
            58 => terms.push(format!("icmpv6_type={a},icmpv6_code={b}")),
            _ => {}
        }
        if protocol == 6 {
            terms.push(format!("tcp_flags={:#x}", self.flags));
        }
        if self.is_nd() {
            terms.push(format!("nd_target={}", Kind::Ip6.text(self.target)));
            let (name, at) = if a == 135 { ("nd_sll", 0) } else { ("nd_tll", 1) };
            terms.push(format!("{name}={}", Kind::Mac.text(self.arp_macs[at].into())));
        }
    }

    /// The bytes of the frame.
    pub fn bytes(&self) -> Vec<u8> {
        let mac = |mac: u64| mac.to_be_bytes()[2..].to_vec();
        let mut bytes = [mac(self.dst), mac(self.src)].concat();
        for (ethertype, priority, vlan) in &self.tags {
            bytes.extend(ethertype.to_be_bytes());
            bytes.extend((priority << 13 | vlan).to_be_bytes());
        }
        let (ethertype, packet) = match self.payload {
            Payload::Arp | Payload::Rarp => {
                let mut arp = vec![0, 1, 8, 0, 6, 4];
                arp.extend(self.arp_op.to_be_bytes());
                for n in 0..2 {
                    arp.extend(mac(self.arp_macs[n]));
                    arp.extend(self.ip4[n].to_be_bytes());
                }
                (if self.payload == Payload::Arp { 0x0806 } else { 0x8035 }, arp)
            }
            Payload::Ip4(protocol) => (0x0800, self.ipv4(protocol)),
            Payload::Ip6(protocol) => (0x86dd, self.ipv6(protocol)),
            Payload::Mpls(_) => {
                let labels: Vec<u8> = self.lses.iter().flat_map(|lse| lse.to_be_bytes()).collect();
                (0x8847, [labels, self.ipv4(17)].concat())
            }
            Payload::Type(ethertype) => (ethertype, b"payload".to_vec()),
            Payload::Llc => (8, vec![0x42, 0x42, 3, 1, 2, 3, 4, 5]),
        };
        bytes.extend(ethertype.to_be_bytes());
        bytes.extend(packet);
        bytes.resize(bytes.len().max(60), 0);
        bytes
    }

    fn ipv4(&self, protocol: u8) -> Vec<u8> {
        let upper = self.upper(protocol);
        let mut packet = vec![0x45, self.tos];
        packet.extend((20 + upper.len() as u16).to_be_bytes());
        packet.extend([0, 1]);
        packet.extend([0_u16, 0x2000, 0x2003][usize::from(self.fragment)].to_be_bytes());
        packet.extend([self.ttl, protocol, 0, 0]);
        self.ip4.iter().for_each(|address| packet.extend(address.to_be_bytes()));
        let sum: u32 = packet.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        [packet, upper].concat()
    }

    fn ipv6(&self, protocol: u8) -> Vec<u8> {
        let upper = self.upper(protocol);
        let header = match self.fragment {
            0 => vec![],
            n => [&[protocol, 0][..], &[0, 1_u16, 3 << 3 | 1][usize::from(n)].to_be_bytes(), &[0, 0, 0, 7]].concat(),
        };
        let mut packet = (6_u32 << 28 | u32::from(self.tos) << 20 | self.label).to_be_bytes().to_vec();
        packet.extend(((header.len() + upper.len()) as u16).to_be_bytes());
        packet.extend([if self.fragment == 0 { protocol } else { 44 }, self.ttl]);
        self.ip6.iter().for_each(|address| packet.extend(address.to_be_bytes()));
        [packet, header, upper].concat()
    }

    fn upper(&self, protocol: u8) -> Vec<u8> {
        let ports: Vec<u8> = self.ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        match protocol {
            6 => {
                let offset = (5 << 12 | self.flags).to_be_bytes();
                [&ports[..], &[0, 0, 0, 1, 0, 0, 0, 2], &offset, &[1, 0, 0, 0, 0, 0]].concat()
            }
            17 => [&ports[..], &[0, 12, 0, 0, 1, 2, 3, 4]].concat(),
            132 => [&ports[..], &[0; 8]].concat(),
            _ => {
                let mut message = vec![self.ports[0] as u8, self.ports[1] as u8, 0, 0, 0, 0, 0, 0];
                if protocol == 58 && matches!(self.ports[0], 135 | 136) {
                    message.extend(self.target.to_be_bytes());
                    let (option, at) = if self.ports[0] == 135 { (1, 0) } else { (2, 1) };
                    message.extend([option, 1]);
                    message.extend(&self.arp_macs[at].to_be_bytes()[2..]);
                }
                message
            }
        }
    }
}

/// The word for a protocol, or words if it has none.
fn protocol_words(protocol: u8, [ip, tcp, udp, sctp, icmp]: [&str; 5]) -> String {
    match protocol {
        6 => tcp.to_owned(),
        17 => udp.to_owned(),
        132 => sctp.to_owned(),
        1 | 58 => icmp.to_owned(),
        _ => format!("{ip},nw_proto={protocol}"),
    }
}
