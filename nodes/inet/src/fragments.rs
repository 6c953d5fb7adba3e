//! Fragmentation by the source (RFC 791 section 3.2, RFC 8200 section 4.5).

use packet::wire::{ipv4, ipv6, ipv6_ext};
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
        let (ethernet, packet) = whole.split_at(at);
        let parsed = ipv4::Packet::new_header(packet).map(|packet| ipv4::Repr::parse(&packet));
        let (header_size, extra) = match &parsed {
            Ok(_) => (ipv4::HEADER_SIZE, 0),
            Err(_) => (ipv6::HEADER_SIZE, ipv6_ext::Fragment::SIZE),
        };
        let ip_header = &packet[..header_size];
        let payload = &packet[header_size..];
        // An MTU is at least 68, which leaves room for 8 bytes behind the headers of IPv6.
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
            if let Ok(header) = &parsed {
                let header =
                    ipv4::Repr { more_fragments: more, fragment_offset: offset, payload_len: part.len(), ..*header };
                header.emit(&mut bytes[at..]);
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
