use std::io;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceTsResolution};
use pcap_file::pcapng::blocks::packet::PacketBlock;
use pcap_file::pcapng::blocks::simple_packet::SimplePacketBlock;
use proptest::prelude::*;

use super::*;
use crate::{Capture, Format, Section};

/// All that can be read of a capture, and how the reading ended.
fn read(input: impl Read) -> (Vec<Packet<'static>>, Result<(), ReadError>) {
    let mut packets = Vec::new();
    let mut reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(error) => return (packets, Err(error)),
    };
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => packets.push(Packet {
                bytes: packet.bytes.into_owned().into(),
                comment: packet.comment.map(|text| text.into_owned().into()),
                ..packet
            }),
            Ok(None) => return (packets, Ok(())),
            Err(error) => {
                assert_eq!(reader.next_packet().unwrap(), None, "nothing comes after an error");
                return (packets, Err(error));
            }
        }
    }
}

fn error_of(input: impl Read) -> String {
    read(input).1.unwrap_err().to_string()
}

/// A pcap in the given byte order, its packet 2.5 s after the epoch.
fn pcap(magic: u32, fraction: u32, link_type: u32, endianness: Endianness) -> Vec<u8> {
    let order = |value: u32| match endianness {
        Endianness::Big => value.to_be_bytes(),
        Endianness::Little => value.to_le_bytes(),
    };
    let version = match endianness {
        Endianness::Big => [0, 2, 0, 4],
        Endianness::Little => [2, 0, 4, 0],
    };
    let tail = [0, 0, 65535, link_type, 2, fraction, 3, 60].map(order).concat();
    [&order(magic)[..], &version[..], &tail, &[1, 2, 3]].concat()
}

fn sample(format: Format) -> Vec<u8> {
    let mut capture = Capture::new(Vec::new(), format, &Section { lab: "sample", seed: 9 }).unwrap();
    for (index, name) in ["a:1 > b:1", "b:1 > a:1", "a:2 > c:1"].iter().enumerate() {
        let id = capture.interface(name).unwrap();
        for time in 0..4 {
            let comment = (time % 2 == 1).then_some("drop vlan-mismatch at s1:a1");
            capture.packet(id, time * 1_000_000_007, &vec![index as u8; 60 + time as usize], comment).unwrap();
        }
    }
    capture.finish().unwrap()
}

#[test]
fn pcap_is_read_with_both_resolutions_in_both_byte_orders() {
    for endianness in [Endianness::Big, Endianness::Little] {
        for (magic, fraction) in [(0xa1b2_c3d4, 500_000), (0xa1b2_3c4d, 500_000_000)] {
            let (packets, end) = read(&pcap(magic, fraction, 1, endianness)[..]);
            end.unwrap();
            let bytes = Cow::Borrowed(&[1, 2, 3][..]);
            let expected = Packet { time_ns: 2_500_000_000, interface: 0, original_len: 60, bytes, comment: None };
            assert_eq!(packets, [expected], "{magic:#x} {endianness:?}");
        }
    }
}

#[test]
fn pcapng_is_read_in_both_byte_orders_with_all_packet_blocks_and_sections() {
    let mut file = Vec::new();
    for endianness in [Endianness::Big, Endianness::Little] {
        let mut writer = PcapNgWriter::with_endianness(Vec::new(), endianness).unwrap();
        writer.write_pcapng_block(InterfaceDescriptionBlock::new(DataLink::ETHERNET, 0)).unwrap();
        let mut binary = InterfaceDescriptionBlock::new(DataLink::ETHERNET, 2);
        let resolution = InterfaceTsResolution::new(true, 10).unwrap();
        binary.options.push(InterfaceDescriptionOption::IfTsResol(resolution));
        binary.options.push(InterfaceDescriptionOption::IfTsOffset(-1));
        writer.write_pcapng_block(binary).unwrap();
        let data = || Cow::Borrowed(&[7, 8, 9][..]);
        let simple = SimplePacketBlock { original_len: 3, data: data() };
        writer.write_pcapng_block(simple).unwrap();
        let old = PacketBlock {
            interface_id: 0,
            drop_count: 0,
            timestamp: Duration::from_micros(5),
            original_len: 9,
            data: data(),
            options: vec![],
        };
        writer.write_pcapng_block(old).unwrap();
        let enhanced = EnhancedPacketBlock {
            interface_id: 1,
            timestamp: Duration::from_millis(1500),
            original_len: 99,
            data: data(),
            options: vec![],
        };
        writer.write_pcapng_block(enhanced).unwrap();
        file.extend(writer.into_inner());
    }
    let (packets, end) = read(&file[..]);
    end.unwrap();
    let seen: Vec<_> = packets.iter().map(|p| (p.interface, p.time_ns, p.original_len, p.bytes.len())).collect();
    let section = [(0, 0, 3, 3), (0, 5_000, 9, 3), (1, 1_500_000_000, 99, 3)];
    assert_eq!(seen, [section, section].concat());
}

#[test]
fn blocks_without_packets_are_skipped_however_long() {
    let mut file = sample(Format::PcapNg);
    let sound = read(&file[..]).0;
    let size = 48u32 << 20;
    file.extend([0x0a, 0, 0, 0]);
    file.extend(size.to_le_bytes());
    let long = (&file[..]).chain(io::repeat(0xff).take(u64::from(size) - 8));
    let (packets, end) = read(long);
    end.unwrap();
    assert_eq!(packets, sound);
}

#[test]
fn what_is_no_capture_is_refused_with_the_reason() {
    assert_eq!(error_of(&[][..]), "the capture is empty; expected a pcap or pcapng file");
    assert_eq!(
        error_of(&b"#!/bin/sh"[..]),
        "not a capture: it starts with 0x23212f62; expected a pcap or pcapng file, uncompressed"
    );
    assert_eq!(error_of(&[0xa1][..]), "at byte 0: the capture ends early, 1 of 4 bytes are there");
    assert_eq!(
        error_of(&[0xa1, 0xb2, 0x3c, 0x4d, 0][..]),
        "at byte 0: the capture ends early, 5 of 24 bytes are there"
    );
    let mut old = pcap(0xa1b2_c3d4, 0, 1, Endianness::Big);
    old[5] = 1;
    assert_eq!(error_of(&old[..]), "at byte 0: major version 1 of the format, expected 2");
    let mut new = sample(Format::PcapNg);
    new[12] = 2;
    assert_eq!(error_of(&new[..]), "at byte 0: major version 2 of the format, expected 1");
    assert_eq!(
        error_of(&pcap(0xa1b2_c3d4, 0, 113, Endianness::Little)[..]),
        "at byte 24: a packet of link type 113; only Ethernet (link type 1) can be read"
    );
}

#[test]
fn a_packet_that_claims_four_gibibytes_is_refused_before_it_is_read() {
    let mut file = pcap(0xa1b2_c3d4, 0, 1, Endianness::Little);
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        error_of((&file[..]).chain(io::repeat(0))),
        "at byte 24: a block claims 4294967311 bytes, more than the 1048576 that a packet can need"
    );
    let mut file = sample(Format::PcapNg);
    let end = file.len();
    file.extend([6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff]);
    assert_eq!(
        error_of((&file[..]).chain(io::repeat(0))),
        format!("at byte {end}: a block claims 4294967292 bytes, more than the 1048576 that a packet can need")
    );
}

#[test]
fn interfaces_without_end_are_refused() {
    /// Repeats an interface description for ever.
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let block = [1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0];
            for byte in &mut *buffer {
                *byte = block[self.0 % block.len()];
                self.0 += 1;
            }
            Ok(buffer.len())
        }
    }
    let file = sample(Format::PcapNg);
    let message = error_of((&file[..]).chain(Endless(0)));
    assert!(message.ends_with("the section's interface descriptions exceed 4194304 bytes"), "{message}");
}

#[test]
fn a_broken_block_is_named_with_its_offset() {
    let header = sample(Format::PcapNg);
    let interface = u32::from_le_bytes(header[4..8].try_into().unwrap()) as usize;
    let mut file = header.clone();
    file[interface + 4] = 8;
    assert_eq!(
        error_of(&file[..]),
        format!("at byte {interface}: a block of 8 bytes, expected at least 12 and a multiple of 4")
    );
    let mut file = header.clone();
    file[interface] = 6;
    let message = error_of(&file[..]);
    assert!(message.starts_with(&format!("at byte {interface}: ")) && message.contains("nterface"), "{message}");
    let mut file = header;
    file.extend([0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4]);
    assert!(error_of(&file[..]).contains("byte-order magic 0x01020304"));
}

#[test]
fn a_capture_cut_anywhere_gives_the_packets_before_the_cut() {
    for format in [Format::Pcap, Format::PcapNg] {
        let file = sample(format);
        let whole = read(&file[..]).0;
        assert_eq!(whole.len(), 12);
        for size in 0..file.len() {
            let (packets, end) = read(&file[..size]);
            assert_eq!(packets, whole[..packets.len()], "{format:?} cut at {size}");
            if let Err(error) = end {
                assert!(matches!(error, ReadError::Truncated { .. } | ReadError::Empty), "{format:?} {size}: {error}");
            }
        }
    }
}

#[test]
fn a_failing_file_is_an_error_of_its_own() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let (packets, end) = read((&sample(Format::Pcap)[..]).chain(Broken));
    assert_eq!(packets.len(), 12);
    assert_eq!(end.unwrap_err().to_string(), "cannot read the capture: the cable is out");
}

/// Reads hostile bytes. Each packet takes at least 16 bytes of the file, so more of them would be made up.
fn survives(file: &[u8]) -> Result<(), TestCaseError> {
    let (packets, _) = read(file);
    prop_assert!(packets.len() <= file.len() / 16);
    prop_assert!(packets.iter().map(|packet| packet.bytes.len()).sum::<usize>() <= file.len());
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_behind_any_magic_are_survived(
        magic in prop::sample::select(vec![0x0a0d_0d0a_u32, 0xa1b2_c3d4, 0xd4c3_b2a1, 0xa1b2_3c4d, 0x4d3c_b2a1]),
        tail in prop::collection::vec(prop_oneof![3 => 0u8..8, 1 => any::<u8>()], 0..300),
    ) {
        survives(&[&magic.to_be_bytes()[..], &tail].concat())?;
    }

    #[test]
    fn any_blocks_are_survived(
        blocks in prop::collection::vec(
            (0u32..12, prop::collection::vec(prop_oneof![4 => 0u8..16, 1 => any::<u8>()], 0..12 * 4)), 0..12,
        ),
        little in any::<bool>(),
    ) {
        let order = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut file = [0x0a0d_0d0a, 28, 0x1a2b_3c4d].map(order).concat();
        file.extend(if little { [1, 0, 0, 0] } else { [0, 1, 0, 0] });
        file.extend([0xff; 8]);
        file.extend(order(28));
        for (kind, mut body) in blocks {
            body.resize(body.len().next_multiple_of(4), 0);
            let size = order(body.len() as u32 + 12);
            file.extend([&order(kind)[..], &size, &body, &size].concat());
        }
        survives(&file)?;
    }

    #[test]
    fn a_damaged_capture_is_survived(
        pcapng in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = sample(if pcapng { Format::PcapNg } else { Format::Pcap });
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        survives(&file)?;
    }
}
