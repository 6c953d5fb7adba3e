use proptest::prelude::*;

use super::*;
use crate::Reader;

const SECTION: Section<'static> = Section { lab: "vlan-isolation", seed: 1 };

fn capture(format: Format) -> Capture<Vec<u8>> {
    Capture::new(Vec::new(), format, &SECTION).unwrap()
}

/// Takes `room` bytes, then fails as a full disk does.
struct Disk {
    room: usize,
    taken: Vec<u8>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match bytes.len().min(self.room) {
            0 if !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
            size => {
                self.taken.extend_from_slice(&bytes[..size]);
                self.room -= size;
                Ok(size)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_pcap_is_these_bytes_on_every_machine() {
    let mut capture = capture(Format::Pcap);
    let id = capture.interface("a:1 > b:1").unwrap();
    capture.packet(id, 3_000_000_007, &[0xaa, 0xbb, 0xcc], Some("not kept")).unwrap();
    #[rustfmt::skip]
    let expected = [
        0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
        3, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 0xaa, 0xbb, 0xcc,
    ];
    assert_eq!(capture.finish().unwrap(), expected);
}

#[test]
fn a_pcapng_is_these_bytes_on_every_machine() {
    let mut capture = Capture::new(Vec::new(), Format::PcapNg, &Section { lab: "x", seed: 7 }).unwrap();
    let id = capture.interface("a:1 > b:1").unwrap();
    capture.packet(id, 1 << 32, &[0xaa, 0xbb, 0xcc], Some("ok")).unwrap();
    #[rustfmt::skip]
    let expected = [
        // Section header: opt_comment "lab x, seed 7".
        0x0a, 0x0d, 0x0d, 0x0a, 52, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 13, 0,
        b'l', b'a', b'b', b' ', b'x', b',', b' ', b's', b'e', b'e', b'd', b' ', b'7', 0, 0, 0,
        0, 0, 0, 0, 52, 0, 0, 0,
        // Interface description: Ethernet, 262144 bytes; if_name, if_tsresol 9, if_fcslen 0.
        1, 0, 0, 0, 56, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 2, 0, 9, 0,
        b'a', b':', b'1', b' ', b'>', b' ', b'b', b':', b'1', 0, 0, 0,
        9, 0, 1, 0, 9, 0, 0, 0, 13, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 56, 0, 0, 0,
        // Enhanced packet with opt_comment.
        6, 0, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0,
        0xaa, 0xbb, 0xcc, 0, 1, 0, 2, 0, b'o', b'k', 0, 0, 0, 0, 0, 0, 48, 0, 0, 0,
    ];
    assert_eq!(capture.finish().unwrap(), expected);
}

#[test]
fn statistics_are_a_block_of_what_came_and_what_was_lost() {
    let mut capture = Capture::new(Vec::new(), Format::PcapNg, &Section { lab: "x", seed: 7 }).unwrap();
    let id = capture.interface("a:1 > b:1").unwrap();
    capture.statistics(id, (1 << 32) + 5, 9, 2).unwrap();
    #[rustfmt::skip]
    let expected = [
        5, 0, 0, 0, 52, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0,
        4, 0, 8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0,
    ];
    assert_eq!(capture.finish().unwrap()[108..], expected);
    let mut plain = self::capture(Format::Pcap);
    let id = plain.interface("a:1 > b:1").unwrap();
    plain.statistics(id, 0, 9, 2).unwrap();
    assert_eq!(plain.finish().unwrap().len(), 24);
}

#[test]
fn a_packet_above_the_snaplen_is_cut_and_keeps_its_length() {
    for format in [Format::Pcap, Format::PcapNg] {
        let mut capture = capture(format);
        let id = capture.interface("a:1 > b:1").unwrap();
        capture.packet(id, 0, &vec![0x5a; SNAPLEN as usize + 9], None).unwrap();
        let bytes = capture.finish().unwrap();
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let packet = reader.next_packet().unwrap().unwrap();
        assert_eq!((packet.bytes.len(), packet.original_len), (SNAPLEN as usize, SNAPLEN + 9), "{format:?}");
    }
}

#[test]
fn a_packet_that_cannot_be_said_is_refused_and_the_capture_goes_on() {
    let mut other = capture(Format::PcapNg);
    other.interface("a:1 > b:1").unwrap();
    let foreign = other.interface("b:1 > a:1").unwrap();
    for format in [Format::Pcap, Format::PcapNg] {
        let mut capture = capture(format);
        let id = capture.interface("a:1 > b:1").unwrap();
        let error = capture.packet(foreign, 0, &[1], None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), "the capture has no interface 1");
        let late = capture.packet(id, u64::MAX, &[2], None).map_err(|error| error.to_string());
        match format {
            Format::Pcap => {
                assert_eq!(late.unwrap_err(), "pcap cannot say the time 18446744073709551615 ns; pcapng can");
            }
            Format::PcapNg => late.unwrap(),
        }
        capture.packet(id, 1, &[3], None).unwrap();
        let bytes = capture.finish().unwrap();
        let mut reader = Reader::new(&bytes[..]).unwrap();
        let mut seen = Vec::new();
        while let Some(packet) = reader.next_packet().unwrap() {
            seen.push((packet.time_ns, packet.bytes[0]));
        }
        let expected: &[(u64, u8)] = if format == Format::Pcap { &[(1, 3)] } else { &[(u64::MAX, 2), (1, 3)] };
        assert_eq!(seen, expected);
    }
}

#[test]
fn after_a_failed_write_nothing_more_is_written() {
    for format in [Format::Pcap, Format::PcapNg] {
        for room in 0..200 {
            let mut capture = Capture::new(Disk { room, taken: Vec::new() }, format, &SECTION).unwrap();
            let id = capture.interface("a:1 > b:1").unwrap();
            capture.packet(id, 0, &[7; 200], None).unwrap();
            assert_eq!(capture.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
            capture.writer_mut().room = usize::MAX;
            let refused = "the capture is closed: an earlier write to it failed";
            assert_eq!(capture.packet(id, 1, &[8], None).unwrap_err().to_string(), refused);
            assert_eq!(capture.interface("b:1 > a:1").unwrap_err().to_string(), refused);
            assert_eq!(capture.flush().unwrap_err().to_string(), refused);
            assert_eq!(capture.writer_mut().taken.len(), room);
            assert_eq!(capture.finish().err().unwrap().to_string(), refused);
        }
    }
}

#[test]
fn a_broken_writer_is_reported_while_packets_are_added() {
    let mut capture = Capture::new(Disk { room: 100_000, taken: Vec::new() }, Format::PcapNg, &SECTION).unwrap();
    let id = capture.interface("a:1 > b:1").unwrap();
    let failed = (0..1000).find_map(|time| capture.packet(id, time, &[0; 1000], None).err());
    assert_eq!(failed.unwrap().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn the_reader_of_a_live_pipe_gets_whole_packets() {
    /// Keeps each write by itself.
    struct Pipe(Vec<Vec<u8>>);
    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut capture = Capture::new(Pipe(Vec::new()), Format::PcapNg, &SECTION).unwrap();
    let id = capture.interface("a:1 > b:1").unwrap();
    for time in 0..2000 {
        capture.packet(id, time, &[0; 117], None).unwrap();
        if time % 500 == 3 {
            capture.flush().unwrap();
        }
    }
    let writes = capture.finish().unwrap().0;
    assert!(writes.len() > 4, "{} writes", writes.len());
    let mut so_far = Vec::new();
    for write in writes {
        so_far.extend(write);
        let mut reader = Reader::new(&so_far[..]).unwrap();
        while reader.next_packet().expect("each write ends at the end of a block").is_some() {}
    }
}

#[test]
fn a_dropped_capture_keeps_its_packets() {
    let mut file = Vec::new();
    let mut capture = Capture::new(&mut file, Format::Pcap, &SECTION).unwrap();
    let id = capture.interface("a:1 > b:1").unwrap();
    capture.packet(id, 0, &[1, 2, 3], None).unwrap();
    drop(capture);
    assert_eq!(file.len(), 24 + 16 + 3);
}

/// What a packet of a test says: interface, time, bytes, comment.
type Said = (u8, u64, Vec<u8>, Option<String>);

fn write(format: Format, names: &[String], packets: &[Said]) -> Vec<u8> {
    let mut capture = capture(format);
    let ids: Vec<InterfaceId> = names.iter().map(|name| capture.interface(name).unwrap()).collect();
    for (interface, time, bytes, comment) in packets {
        capture.packet(ids[usize::from(*interface) % ids.len()], *time, bytes, comment.as_deref()).unwrap();
    }
    capture.finish().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back_and_the_same_calls_give_the_same_bytes(
        names in prop::collection::vec("[a-z]{1,9}:[a-z0-9]{1,9} > [a-z]{1,9}:[a-z0-9]{1,9}", 1..6),
        packets in prop::collection::vec(
            (any::<u8>(), 0..(1u64 << 32) * 1_000_000_000, prop::collection::vec(any::<u8>(), 0..300), prop::option::of("\\PC{0,40}")),
            0..30,
        ),
    ) {
        for format in [Format::Pcap, Format::PcapNg] {
            let file = write(format, &names, &packets);
            prop_assert_eq!(&file, &write(format, &names, &packets));
            let ng = format == Format::PcapNg;
            let mut reader = Reader::new(&file[..]).unwrap();
            prop_assert_eq!(reader.section_comment(), ng.then_some("lab vlan-isolation, seed 1"));
            for (interface, time, bytes, comment) in &packets {
                let interface = usize::from(*interface) % names.len();
                let packet = reader.next_packet().unwrap().unwrap();
                prop_assert_eq!(packet.time_ns, *time);
                prop_assert_eq!(packet.interface as usize, if ng { interface } else { 0 });
                prop_assert_eq!(packet.original_len as usize, bytes.len());
                prop_assert_eq!(&packet.bytes[..], &bytes[..]);
                prop_assert_eq!(packet.comment.as_deref(), comment.as_deref().filter(|_| ng));
                let name = reader.interface_name(interface as u32);
                prop_assert_eq!(name, ng.then_some(&names[interface][..]));
            }
            prop_assert_eq!(reader.next_packet().unwrap(), None);
        }
    }
}
