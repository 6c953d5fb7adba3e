//! One line of text for a whole frame of any bytes, as `tcpdump -e -n` prints it.
//!
//! What a packet's lengths do not bear out is named by the error and not decoded further. Lengths
//! are those of the captured bytes.

use core::fmt;
use core::net::IpAddr;

use crate::wire::{
    EtherType, IpProtocol, VlanTag, WireError, arp, be16, bpdu, ethernet, icmpv4, icmpv6, ipv4, ipv6, ipv6_ext, llc,
    tcp, udp, vlan,
};

/// The most tags that are printed; what is behind is not decoded.
const TAGS_MAX: usize = 4;

/// A frame as one line of text. Never fails and never panics.
///
/// ```
/// let frame = b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x81\x00\x00\x09\x88\xcc";
/// assert_eq!(
///     packet::describe(frame).to_string(),
///     "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype 802.1Q (0x8100), length 18: \
///      vlan 9, p 0, ethertype LLDP (0x88cc), length 0"
/// );
/// ```
pub fn describe(frame: &[u8]) -> impl fmt::Display + '_ {
    Line(frame)
}

struct Line<'a>(&'a [u8]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        let header = match ethernet::Frame::new_checked(bytes) {
            Ok(frame) => ethernet::Repr::parse(&frame),
            Err(error) => return write!(f, "{error}"),
        };
        // An 802.3 frame tells its own length.
        let len = if header.ethertype.is_length() { header.ethertype.0.into() } else { bytes.len() };
        write!(f, "{header}, length {len}: ")?;
        for tag in vlan::tags(bytes).take(TAGS_MAX) {
            fmt_tag(f, tag, header.ethertype)?;
        }
        let Some((ethertype, at)) = vlan::payload(bytes, TAGS_MAX) else { return Ok(()) };
        if at > ethernet::HEADER_SIZE && !ethertype.is_length() {
            write!(f, "ethertype {ethertype}, ")?;
        }
        fmt_packet(f, ethertype, &bytes[at..])
    }
}

/// Prints a tag. The outer tag's protocol id stands in the frame's header already.
fn fmt_tag(f: &mut fmt::Formatter<'_>, tag: VlanTag, outer: EtherType) -> fmt::Result {
    if tag.tpid != outer {
        write!(f, "ethertype {}, ", tag.tpid)?;
    }
    write!(f, "{tag}, ")
}

fn fmt_packet(f: &mut fmt::Formatter<'_>, ethertype: EtherType, bytes: &[u8]) -> fmt::Result {
    match ethertype {
        EtherType::ARP | EtherType::RARP => match arp::Packet::new_checked(bytes) {
            Ok(packet) => write!(f, "{}, length {}", arp::Repr::parse(&packet), bytes.len()),
            Err(error) => fmt_error(f, error),
        },
        EtherType::IPV4 => fmt_ipv4(f, bytes),
        EtherType::IPV6 => fmt_ipv6(f, bytes),
        // What is behind the length is padding.
        EtherType(len) if ethertype.is_length() => match llc::Packet::new_checked(bytes) {
            Ok(packet) => {
                let len = bytes.len().min(len.into());
                let header = llc::Repr::parse(&packet);
                write!(f, "{header}")?;
                if header == bpdu::LLC {
                    f.write_str(": ")?;
                    return match bpdu::Packet::new_checked(&bytes[llc::HEADER_SIZE..len.max(llc::HEADER_SIZE)]) {
                        Ok(packet) => write!(f, "{}", bpdu::Bpdu::parse(&packet)),
                        Err(error) => fmt_error(f, error),
                    };
                }
                if let Some(snap) = packet.snap_type() {
                    write!(f, ", ethertype {snap}")?;
                }
                write!(f, ", length {len}")
            }
            Err(error) => fmt_error(f, error),
        },
        _ => write!(f, "length {}", bytes.len()),
    }
}

fn fmt_ipv4(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let packet = match ipv4::Packet::new_checked(bytes) {
        Ok(packet) => packet,
        Err(error) => return fmt_error(f, error),
    };
    // Of the whole payload only a first fragment's beginning is there to be decoded.
    let payload = (packet.fragment_offset() == 0).then(|| &bytes[packet.header_len()..packet.total_len()]);
    fmt_ip(f, packet.src().into(), packet.dst().into(), packet.protocol(), payload)
}

fn fmt_ipv6(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let packet = match ipv6::Packet::new_checked(bytes) {
        Ok(packet) => packet,
        Err(error) => return fmt_error(f, error),
    };
    let payload = &bytes[ipv6::HEADER_SIZE..][..packet.payload_len()];
    let (src, dst) = (packet.src().into(), packet.dst().into());
    match ipv6_ext::walk(packet.next_header(), payload) {
        Some(upper) => match upper.fragment {
            Some(fragment) if fragment.offset != 0 => {
                write!(f, "{src} > {dst}: frag ({}|{})", fragment.offset, upper.payload.len())
            }
            _ => fmt_ip(f, src, dst, upper.protocol, Some(upper.payload)),
        },
        None => write!(f, "{src} > {dst}: [|ip6 extension header]"),
    }
}

/// Prints addresses, with ports if the protocol has them, and the upper layer. Without a payload
/// the protocol is named only.
fn fmt_ip(
    f: &mut fmt::Formatter<'_>,
    src: IpAddr,
    dst: IpAddr,
    protocol: IpProtocol,
    payload: Option<&[u8]>,
) -> fmt::Result {
    let Some(payload) = payload else { return write!(f, "{src} > {dst}: {protocol}") };
    let has_ports = matches!(protocol, IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP);
    match has_ports && payload.len() >= 4 {
        true => write!(f, "{src}.{} > {dst}.{}: ", be16(payload, 0), be16(payload, 2))?,
        false => write!(f, "{src} > {dst}: ")?,
    }
    match (protocol, src) {
        (IpProtocol::ICMP, IpAddr::V4(_)) => match icmpv4::Packet::new_checked(payload) {
            Ok(packet) => write!(f, "{}", icmpv4::Repr::parse(&packet)),
            Err(error) => fmt_error(f, error),
        },
        (IpProtocol::ICMPV6, IpAddr::V6(_)) => match icmpv6::Packet::new_checked(payload) {
            Ok(packet) => write!(f, "{}", icmpv6::Repr::parse(&packet)),
            Err(error) => fmt_error(f, error),
        },
        (IpProtocol::TCP, _) => match tcp::Packet::new_checked(payload) {
            Ok(packet) => write!(f, "{}", tcp::Repr::parse(&packet)),
            Err(error) => fmt_error(f, error),
        },
        // A first fragment holds less than the length that the header tells.
        (IpProtocol::UDP, _) => match udp::Packet::new_header(payload) {
            Ok(packet) if packet.len() >= udp::HEADER_SIZE => {
                write!(f, "UDP, length {}", packet.len() - udp::HEADER_SIZE)
            }
            Ok(packet) => write!(f, "[bad udp length {}]", packet.len()),
            Err(error) => fmt_error(f, error),
        },
        _ => write!(f, "{protocol} {}", payload.len()),
    }
}

/// tcpdump's brackets around what cannot be read.
fn fmt_error(f: &mut fmt::Formatter<'_>, error: WireError) -> fmt::Result {
    match error {
        WireError::Truncated { layer, .. } => write!(f, "[|{layer}]"),
        WireError::Field { .. } => write!(f, "[{error}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tagged_arp_request() {
        let frame = *b"\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x81\x00\x60\x09\x08\x06\
            \0\x01\x08\0\x06\x04\0\x01\x02\0\0\0\0\x01\xc0\xa8\x09\x01\0\0\0\0\0\0\xc0\xa8\x09\x02";
        assert_eq!(
            describe(&frame).to_string(),
            "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype 802.1Q (0x8100), length 46: \
             vlan 9, p 3, ethertype ARP (0x0806), Request who-has 192.168.9.2 tell 192.168.9.1, length 28"
        );
    }

    #[test]
    fn an_echo_request() {
        let headers = b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00\
            \x45\x00\x00\x54\x00\x00\x40\x00\x40\x01\x26\xa7\x0a\x00\x00\x01\x0a\x00\x00\x02\
            \x08\x00\xf7\xfc\x00\x01\x00\x02";
        let mut frame = [&headers[..], &[0; 56]].concat();
        let text = describe(&frame).to_string();
        assert_eq!(
            text,
            "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 98: \
             10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 2, length 64"
        );
        frame[20] = 0x20;
        assert_eq!(describe(&frame).to_string(), text);
        frame[21] = 1;
        assert!(describe(&frame).to_string().ends_with("10.0.0.1 > 10.0.0.2: ip-proto-1"));
    }

    #[test]
    fn a_datagram_over_ipv6_and_a_cut_one() {
        let frame = *b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x86\xdd\
            \x60\x00\x00\x00\x00\x0d\x11\x40\
            \xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\
            \xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\
            \x00\x07\x00\x35\x00\x0d\xb2\xab\x71\x75\x65\x72\x79";
        assert!(describe(&frame).to_string().ends_with(": fe80::1.7 > fe80::2.53: UDP, length 5"));
        assert!(describe(&frame[..60]).to_string().ends_with("length 60: [|ip6]"));
        assert_eq!(describe(&frame[..13]).to_string(), "ethernet: 13 bytes, at least 14 needed");
    }

    #[test]
    fn a_bpdu_is_read_behind_its_llc_header() {
        let mut frame = *b"\x01\x80\xc2\0\0\0\x02\0\0\0\0\x01\0\x07\x42\x42\x03\0\0\0\x80 padding";
        assert_eq!(
            describe(&frame).to_string(),
            "02:00:00:00:00:01 > 01:80:c2:00:00:00, 802.3, length 7: \
             LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl 0x03: STP 802.1d, Topology Change"
        );
        frame[13] = 6;
        assert!(describe(&frame).to_string().ends_with("ctrl 0x03: [|stp]"));
        frame[14] = 0x44;
        assert!(describe(&frame).to_string().ends_with("ctrl 0x03, length 6"));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_line(frame in crate::testing::frame()) {
            let text = describe(&frame).to_string();
            prop_assert!(!text.is_empty() && !text.contains('\n'));
        }
    }
}
