//! Fragmentation: of IPv4 by the source and by whoever forwards, of IPv6 by the source (RFC 791 section 3.2, RFC 8200
//! section 4.5).

use packet::wire::{checksum, ipv4, ipv6, ipv6_ext};
use packet::{IpProtocol, MacAddr};
use sim_core::{Cx, Frame};

use crate::Stack;
use crate::interface::IfIx;
use crate::send::count_tx;

impl Stack {
    /// Sends a packet that is longer than the MTU, in fragments.
    #[cold]
    pub(crate) fn transmit_fragments(&mut self, cx: &mut Cx<'_>, ix: IfIx, to: MacAddr, whole: &Frame) {
        let at = self.interfaces.get(ix).header_size();
        let summed = summed(whole);
        let (ethernet, packet) = summed.as_deref().unwrap_or(whole).split_at(at);
        let v4 = ipv4::Packet::new_header(packet).ok();
        let (header_size, extra) = match &v4 {
            Some(header) => (header.header_len(), 0),
            None => (ipv6::HEADER_SIZE, ipv6_ext::Fragment::SIZE),
        };
        let ip_header = &packet[..header_size];
        let payload = &packet[header_size..];
        // An MTU is at least 68, which leaves room for 8 bytes behind the headers of either family.
        let step = (usize::from(self.interfaces.get(ix).mtu) - header_size - extra) & !7;
        self.next_ident = self.next_ident.wrapping_add(1);
        for (i, part) in payload.chunks(step).enumerate() {
            let (offset, more) = ((i * step) as u16, (i + 1) * step < payload.len());
            let mut frame = cx.pool.zeroed(at + header_size + extra + part.len());
            frame.set_tag(whole.tag());
            let bytes = frame.bytes_mut(cx.pool);
            bytes[..at].copy_from_slice(ethernet);
            bytes[..6].copy_from_slice(&to.0);
            bytes[at..at + header_size].copy_from_slice(ip_header);
            if let Some(whole) = &v4 {
                fragment_header(&mut bytes[at..], whole, offset, more, part.len());
            } else {
                let next_header = IpProtocol(core::mem::replace(&mut bytes[at + 6], IpProtocol::FRAGMENT.0));
                let size = (extra + part.len()) as u16;
                bytes[at + 4..at + 6].copy_from_slice(&size.to_be_bytes());
                let header = ipv6_ext::Fragment { next_header, offset, more, ident: self.next_ident };
                header.emit(&mut bytes[at + header_size..]);
            }
            bytes[at + header_size + extra..].copy_from_slice(part);
            let interface = self.interfaces.get_mut(ix);
            count_tx(interface, frame.len());
            cx.out.send(interface.port, frame);
        }
    }
}

/// The bytes of a frame with the transport checksum that was left to be filled in: no fragment's NIC could.
fn summed(frame: &Frame) -> Option<Vec<u8>> {
    let offload = frame.offload();
    let start = offload.csum_start as usize;
    let at = start + usize::from(offload.csum_offset);
    if start == 0 || at + 2 > frame.len() {
        return None;
    }
    let mut bytes = frame.to_vec();
    let sum = checksum::checksum(&bytes[start..]);
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    Some(bytes)
}

/// Makes a copy of a packet's header that of its fragment at `offset`. The packet may be a fragment itself.
fn fragment_header(bytes: &mut [u8], whole: &ipv4::Packet<&[u8]>, offset: u16, more: bool, size: usize) {
    let header_len = whole.header_len();
    let total = (header_len + size) as u16;
    let units = (whole.fragment_offset() >> 3) + (offset >> 3);
    let more = u16::from(more || whole.more_fragments()) << 13;
    bytes[2..4].copy_from_slice(&total.to_be_bytes());
    bytes[6..8].copy_from_slice(&(more | units).to_be_bytes());
    if offset > 0 {
        blank_options(&mut bytes[ipv4::HEADER_SIZE..header_len]);
    }
    if let Ok(mut packet) = ipv4::Packet::new_header(bytes) {
        packet.fill_checksum();
    }
}

/// Blanks the options that only the first fragment has: those without the copied flag (RFC 791 section 3.1).
fn blank_options(mut options: &mut [u8]) {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    while let [kind, ..] = options {
        let len = match *kind {
            END => return,
            NO_OPERATION => 1,
            _ => usize::from(options.get(1).copied().unwrap_or(0)).max(2).min(options.len()),
        };
        let (option, rest) = core::mem::take(&mut options).split_at_mut(len);
        if option[0] & 0x80 == 0 {
            option.fill(NO_OPERATION);
        }
        options = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_fragments_have_only_the_options_that_are_to_be_copied() {
        // Record route (7) of three bytes, a no-operation, router alert (148) of four, an end.
        let mut options = [7, 3, 4, 1, 148, 4, 0, 0, 0, 9, 9, 9];
        blank_options(&mut options);
        assert_eq!(options, [1, 1, 1, 1, 148, 4, 0, 0, 0, 9, 9, 9]);
        // A length that is none ends with the bytes.
        for mut options in [[7, 0, 7, 200], [148, 1, 7, 1], [7, 255, 0, 0]] {
            blank_options(&mut options);
            assert!(options.iter().all(|byte| *byte == 1 || *byte >= 148 || *byte == 0), "{options:?}");
        }
    }
}
