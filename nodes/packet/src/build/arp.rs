//! ARP requests and replies (RFC 826), and announcements (RFC 5227 section 3).

use core::net::Ipv4Addr;

use crate::wire::MacAddr;
use crate::wire::arp::{Operation, Repr, SIZE};

/// The size of an ARP packet in bytes.
pub const LEN: usize = SIZE;

/// Writes the question who has `target_ip`, and returns its size.
pub fn emit_request(buffer: &mut [u8], sender_mac: MacAddr, sender_ip: Ipv4Addr, target_ip: Ipv4Addr) -> usize {
    let operation = Operation::REQUEST;
    Repr { operation, sender_mac, sender_ip, target_mac: MacAddr::ZERO, target_ip }.emit(buffer);
    LEN
}

/// Writes the answer that `sender_mac` has `sender_ip`, and returns its size.
pub fn emit_reply(
    buffer: &mut [u8],
    sender_mac: MacAddr,
    sender_ip: Ipv4Addr,
    target_mac: MacAddr,
    target_ip: Ipv4Addr,
) -> usize {
    let operation = Operation::REPLY;
    Repr { operation, sender_mac, sender_ip, target_mac, target_ip }.emit(buffer);
    LEN
}

/// Writes the announcement that `mac` has `ip` (a request for one's own address), and returns
/// its size.
pub fn emit_announcement(buffer: &mut [u8], mac: MacAddr, ip: Ipv4Addr) -> usize {
    emit_request(buffer, mac, ip, ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::arp::Packet;

    #[test]
    fn a_reply_answers_its_request() {
        let (a, b) = (MacAddr([2, 0, 0, 0, 0, 1]), MacAddr([2, 0, 0, 0, 0, 2]));
        let mut bytes = [0xaa; LEN];
        emit_request(&mut bytes, a, [10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let asked = Repr::parse(&Packet::new_checked(&bytes).unwrap());
        assert_eq!(asked.to_string(), "Request who-has 10.0.0.2 tell 10.0.0.1");
        emit_reply(&mut bytes, b, asked.target_ip, asked.sender_mac, asked.sender_ip);
        let answer = Repr::parse(&Packet::new_checked(&bytes).unwrap());
        assert_eq!(answer.to_string(), "Reply 10.0.0.2 is-at 02:00:00:00:00:02");
        assert_eq!((answer.target_mac, answer.target_ip), (a, asked.sender_ip));
    }
}
