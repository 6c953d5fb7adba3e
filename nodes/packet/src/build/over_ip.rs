//! The packets that both versions of IP carry in the same way.

/// Sizes of echo, error and UDP packets, and the writers of echo and UDP, for one version of IP:
/// its wire format, that of its ICMP, and its pseudo header. The place of use defines `Header`,
/// `QUOTE_MAX`, `emit_header` and `emit_icmp`.
macro_rules! over_ip {
    ($ip:ident, $icmp:ident, $pseudo:ident) => {
        /// The size of an echo packet with `data_len` bytes of data.
        pub const fn echo_len(data_len: usize) -> usize {
            $ip::HEADER_SIZE + $icmp::HEADER_SIZE + data_len
        }

        /// Writes an echo request or reply and returns its size.
        pub fn emit_echo(buffer: &mut [u8], header: &Header, echo: $crate::build::Echo, data: &[u8]) -> usize {
            let $crate::build::Echo { request, ident, seq } = echo;
            let message = match request {
                true => $icmp::Repr::EchoRequest { ident, seq, data },
                false => $icmp::Repr::EchoReply { ident, seq, data },
            };
            emit_icmp(buffer, header, &message)
        }

        /// The size of the error about a packet of `original_len` bytes.
        pub const fn error_len(original_len: usize) -> usize {
            echo_len(if original_len < QUOTE_MAX { original_len } else { QUOTE_MAX })
        }

        /// The size of a UDP packet with `payload_len` bytes of payload.
        pub const fn udp_len(payload_len: usize) -> usize {
            $ip::HEADER_SIZE + udp::HEADER_SIZE + payload_len
        }

        /// Writes a UDP packet and returns its size.
        pub fn emit_udp(buffer: &mut [u8], header: &Header, datagram: &udp::Repr<'_>) -> usize {
            let len = datagram.buffer_len();
            let rest = emit_header(buffer, header, IpProtocol::UDP, len);
            datagram.emit(rest, $pseudo(header.src, header.dst, IpProtocol::UDP, len));
            udp_len(datagram.payload.len())
        }
    };
}

pub(super) use over_ip;
