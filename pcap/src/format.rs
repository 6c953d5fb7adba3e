//! The two formats of a capture.

use std::path::Path;

/// A format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// pcap with the magic number of nanosecond timestamps, 0xa1b23c4d. It has neither interfaces nor comments.
    Pcap,
    /// pcapng, with an interface for each direction of a link and comments on packets.
    PcapNg,
}

impl Format {
    /// The format that a file name asks for: pcap for `*.pcap`, pcapng for any other.
    pub fn for_path(path: impl AsRef<Path>) -> Format {
        if path.as_ref().as_os_str().as_encoded_bytes().ends_with(b".pcap") { Format::Pcap } else { Format::PcapNg }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_end_in_dot_pcap_are_pcap() {
        for name in ["a.pcap", "dir/a.b.pcap", ".pcap"] {
            assert_eq!(Format::for_path(name), Format::Pcap, "{name}");
        }
        for name in ["a.pcapng", "a", "-", "", "apcap", "a.pcap.gz", "a.pcap/b"] {
            assert_eq!(Format::for_path(name), Format::PcapNg, "{name}");
        }
    }
}
