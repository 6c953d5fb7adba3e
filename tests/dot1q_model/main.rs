//! Random topologies and random VLAN configurations beside a naive model of 802.1Q.
//!
//! Hosts send random frames, one after the other. What the lab's capture shows of each, on every link, must be what
//! the model says, byte by byte; and what goes into a node comes out of it or is a drop with a reason.
//!
//! `NETLOOM_SEED` and `NETLOOM_CASES` choose the cases, `NETLOOM_LONG=1` runs many.

mod model;
mod random_lab;
#[path = "../support/mod.rs"]
mod support;

use model::{Crossing, Fate, Frame, Kind};
use pcap::{Format, Reader};
use random_lab::{RandomLab, one_in, pick};
use sim_core::{Duration, LinkIx, NodeIx, PortIx, Seed, Tag, Until};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;
use topologies::run::Net;

/// Cases of a normal run, and of a long one.
const CASES: u64 = 2_000;
const LONG_CASES: u64 = 20_000;
/// Frames that each lab carries.
const FRAMES: usize = 40;

/// A capture in memory.
#[derive(Clone, Debug, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A frame that was sent: when (in seconds), by whom, and what the model says of it.
struct Sent {
    at: u64,
    host: String,
    frame: Frame,
    fate: Fate,
}

#[test]
fn frames_go_where_the_naive_model_says_and_none_is_lost_in_silence() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let first = number("NETLOOM_SEED").unwrap_or(1);
    let cases = number("NETLOOM_CASES").unwrap_or(if support::long() { LONG_CASES } else { CASES });
    let mut tally = Tally::default();
    (first..first + cases).for_each(|seed| check(seed, &mut tally));
    if cases >= CASES {
        // A model that says "nothing goes anywhere" would agree with a lab that does nothing.
        assert!(tally.crossed > 2 * tally.sent && tally.delivered > tally.sent, "{tally:?}");
        let reasons =
            ["mtu_exceeded", "port_down", "reserved_multicast", "same_port", "tagged_on_access", "vlan_not_allowed"];
        assert!(tally.dropped.keys().eq(reasons.iter()), "{tally:?}");
        assert!(tally.dropped.values().all(|count| *count > cases / 20), "{tally:?}");
    }
}

/// What all cases did together.
#[derive(Debug, Default)]
struct Tally {
    sent: usize,
    crossed: usize,
    delivered: usize,
    dropped: BTreeMap<String, u64>,
}

fn check(seed: u64, tally: &mut Tally) {
    let mut random = Seed(seed).stream("random lab");
    let mut random_lab = RandomLab::new(&mut random);
    let toml = random_lab.toml();
    let about = || format!("NETLOOM_SEED={seed} NETLOOM_CASES=1\n{toml}");
    let loaded = match topologies::parse("random.toml", &toml, &[]) {
        Ok(loaded) => loaded,
        Err(mistakes) => panic!("{}\n{mistakes:#?}", about()),
    };
    let mut net = Net::new(&loaded.lab).unwrap_or_else(|errors| panic!("{}\n{errors:#?}", about()));
    let sink = Shared::default();
    net.capture("all", Box::new(sink.clone()), Format::PcapNg).expect("memory takes a capture");
    let mut all = Vec::new();
    let mut at = 1;
    for _ in 0..FRAMES {
        let host = pick(&mut random, &random_lab.hosts());
        let frame = random_lab.frame(&mut random);
        run_to(&mut net, at);
        let bytes = frame.to_bytes();
        let name = random_lab.model.nodes[host].name.clone();
        let node = net.names().find(&name).expect("the lab has the model's hosts");
        net.with_host(node, |host, cx| host.send_raw(cx, PortIx(0), &bytes, Tag::NONE));
        let fate = random_lab.model.send(host, &frame, at);
        all.push(Sent { at, host: name, frame, fate });
        // Now and then long enough for all stations to be forgotten.
        at += if one_in(&mut random, 30) { 400 } else { 1 };
    }
    run_to(&mut net, at + 1);
    net.finish_captures().expect("memory takes a capture");
    tally.sent += all.len();
    tally.crossed += compare_crossings(&random_lab, &sink.0.borrow(), &all, &about);
    compare_counters(&random_lab, &net, &all, &about, tally);
}

fn run_to(net: &mut Net, second: u64) {
    let time = sim_core::Time::ZERO + Duration::from_secs(second);
    let stop = net.engine_mut().run(Until::Through(time));
    assert_eq!(stop, sim_core::Stop::Reached, "untagged frames give no notices");
}

/// Compares what each frame did on the links; gives the number of crossings.
fn compare_crossings(lab: &RandomLab, capture: &[u8], all: &[Sent], about: &dyn Fn() -> String) -> usize {
    let seen = read(capture);
    let is_host = |crossing: &Crossing| {
        let to = crossing.0.split_once(" > ").and_then(|(_, to)| to.split_once(':')).map(|(node, _)| node);
        lab.model.nodes.iter().any(|node| Some(node.name.as_str()) == to && matches!(node.kind, Kind::Host))
    };
    let mut count = 0;
    for (number, sent) in all.iter().enumerate() {
        let end = all.get(number + 1).map_or(u64::MAX, |next| next.at);
        let mut seen: Vec<Crossing> = seen
            .iter()
            .filter(|(second, _)| (sent.at..end).contains(second))
            .map(|(_, crossing)| crossing.clone())
            .collect();
        // What a host makes of a frame isn't the bridges' concern.
        let refused =
            |crossing: &Crossing| crossing.2.as_ref().is_some_and(|why| why.starts_with("drop no_listener at h"));
        seen.iter_mut()
            .filter(|crossing| is_host(crossing) && refused(crossing))
            .for_each(|crossing| crossing.2 = None);
        let mut expected = sent.fate.crossings.clone();
        seen.sort();
        expected.sort();
        assert!(
            seen == expected,
            "frame {number} from {}: {:02x?} > {:02x?} {:x?}\nseen     {}\nexpected {}\n{}",
            sent.host,
            sent.frame.src,
            sent.frame.dst,
            sent.frame.tags,
            show(&seen),
            show(&expected),
            about()
        );
        count += seen.len();
    }
    count
}

fn show(crossings: &[Crossing]) -> String {
    let line = |(wire, bytes, comment): &Crossing| {
        let head = &bytes[12..bytes.len().min(26)];
        format!("\n    {wire} {head:02x?} {}", comment.as_deref().unwrap_or_default())
    };
    crossings.iter().map(line).collect()
}

/// The packets of a capture, each with the second in which it was seen.
fn read(capture: &[u8]) -> Vec<(u64, Crossing)> {
    let mut packets = Vec::new();
    let mut interfaces = Vec::new();
    let mut reader = Reader::new(capture).expect("the lab writes a sound capture");
    while let Some(packet) = reader.next_packet().expect("the lab writes a sound capture") {
        let comment = packet.comment.map(|comment| comment.into_owned());
        packets.push((packet.time_ns / 1_000_000_000, packet.bytes.into_owned(), comment));
        interfaces.push(packet.interface);
    }
    let name = |interface| reader.interface_name(interface).expect("every interface has a name").to_owned();
    packets.into_iter().zip(interfaces).map(|((s, bytes, why), number)| (s, (name(number), bytes, why))).collect()
}

/// What came in went out or is a drop: by node, and by the model's places and reasons.
fn compare_counters(lab: &RandomLab, net: &Net, all: &[Sent], about: &dyn Fn() -> String, tally: &mut Tally) {
    let engine = net.engine();
    let mut expected: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut copies: BTreeMap<String, i64> = BTreeMap::new();
    for fate in all.iter().map(|sent| &sent.fate) {
        fate.drops.iter().for_each(|(place, n)| *expected.entry(place.clone()).or_default() += n);
        fate.copies.iter().for_each(|(node, n)| *copies.entry(node.clone()).or_default() += n);
    }
    let mut dropped: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut came = vec![0_i64; lab.model.nodes.len()];
    let mut went = vec![0_i64; lab.model.nodes.len()];
    for link in (0..engine.link_count() as u32).map(LinkIx) {
        let [(a, _), (b, _)] = engine.ends(link);
        for (dir, from, to) in [(link.forward(), a, b), (link.backward(), b, a)] {
            let arrived = engine.link_counters(dir).frames as i64;
            for (_, reason, n) in engine.link_drops(dir).iter() {
                *dropped.entry((net.names().direction(dir), reason.to_string())).or_default() += n;
                went[from.index()] += n as i64;
            }
            went[from.index()] += arrived;
            came[to.index()] += arrived;
        }
    }
    let mut delivered = 0;
    for (number, name) in net.names().all().enumerate() {
        let ix = NodeIx(number as u32);
        if engine.node(ix).as_host().is_some() {
            delivered += came[number];
            continue;
        }
        let drops = engine.node_drops(ix);
        for (_, reason, n) in drops.iter() {
            *dropped.entry((name.to_owned(), reason.to_string())).or_default() += n;
        }
        let copied = copies.get(name).copied().unwrap_or(0);
        assert_eq!(came[number] + copied, went[number] + drops.total(None, None) as i64, "at {name}\n{}", about());
    }
    assert_eq!(dropped, expected, "{}", about());
    let (copied, dead): (i64, u64) = (copies.values().sum(), dropped.values().sum());
    assert_eq!(all.len() as i64 + copied, delivered + dead as i64, "{}", about());
    tally.delivered += delivered as usize;
    dropped.into_iter().for_each(|((_, reason), n)| *tally.dropped.entry(reason).or_default() += n);
    assert_eq!(engine.in_flight(), 0, "{}", about());
}
