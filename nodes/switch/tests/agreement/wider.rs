//! Whether a megaflow is too wide: with bits changed that it leaves out, the same must be done.

use crate::compare::{self, Disagreement};
use crate::flow_text::Fields;
use crate::generate::{Kind, Pipeline, Said, chance};
use crate::ours::Ours;
use crate::outcome::{Event, Outcome};
use crate::peer::Peer;
use sim_core::Stream;

/// The fields of which bits can change while the frame stays one of its kind.
const FIELDS: [(&str, &str, Kind); 22] = [
    ("dl_src", "dl_src", Kind::Mac),
    ("dl_dst", "dl_dst", Kind::Mac),
    ("dl_vlan", "dl_vlan", Kind::Decimal(12)),
    ("dl_vlan_pcp", "dl_vlan_pcp", Kind::Decimal(3)),
    ("nw_src", "nw_src", Kind::Ip4),
    ("nw_dst", "nw_dst", Kind::Ip4),
    ("arp_spa", "arp_spa", Kind::Ip4),
    ("arp_tpa", "arp_tpa", Kind::Ip4),
    ("arp_sha", "arp_sha", Kind::Mac),
    ("arp_tha", "arp_tha", Kind::Mac),
    ("ipv6_src", "ipv6_src", Kind::Ip6),
    ("ipv6_dst", "ipv6_dst", Kind::Ip6),
    ("ipv6_label", "ipv6_label", Kind::Bits(20)),
    ("nd_target", "nd_target", Kind::Ip6),
    ("nd_sll", "nd_sll", Kind::Mac),
    ("nd_tll", "nd_tll", Kind::Mac),
    ("nw_ttl", "nw_ttl", Kind::Decimal(8)),
    ("nw_ecn", "nw_ecn", Kind::Decimal(2)),
    ("tp_src", "_src", Kind::Port),
    ("tp_dst", "_dst", Kind::Port),
    ("pkt_mark", "pkt_mark", Kind::Bits(32)),
    ("mpls_label", "mpls_label", Kind::Decimal(20)),
];

/// Changes bits of the frames that are said as a flow; gives how many were compared.
pub fn check(
    peer: &mut Peer,
    pipeline: &Pipeline,
    frames: &[Said],
    outcomes: &[Outcome],
    random: &mut Stream,
) -> Result<usize, Box<Disagreement>> {
    let mut ours = Ours::with(pipeline).expect("it was taken before");
    let mut count = 0;
    for (frame, outcome) in frames.iter().zip(outcomes) {
        let Some(changed) = change(frame, &outcome.flow, &outcome.megaflow, random) else { continue };
        count += 1;
        let (text, found) = ours.trace(&changed);
        let found = found.unwrap_or_else(|| panic!("{:?}: {text}", changed.words()));
        let same = found.events.len() == outcome.events.len()
            && found.events.iter().zip(&outcome.events).all(|(a, b)| is_same_step(a, b));
        if !same {
            let (before, _) = ours.trace(frame);
            let what = "the megaflow is too wide".to_owned();
            let (pipeline, frame) = (pipeline.clone(), frame.clone());
            return Err(Box::new(Disagreement { pipeline, frame, what, ours: before, real: text }));
        }
        if chance(random, 8) {
            compare::pipeline(peer, pipeline, std::slice::from_ref(&changed))?;
        }
    }
    Ok(count)
}

/// Where it goes; what it then is differs in the bits that were changed.
fn is_same_step(a: &Event, b: &Event) -> bool {
    match (a, b) {
        (Event::Output(a, cut, _), Event::Output(b, other, _)) => a == b && cut == other,
        (Event::Userspace(a, cut, _), Event::Userspace(b, other, _)) => a == b && cut == other,
        (Event::Meter(a), Event::Meter(b)) => a == b,
        (Event::Part(a, x), Event::Part(b, y)) => {
            a == b && x.len() == y.len() && x.iter().zip(y).all(|(a, b)| is_same_step(a, b))
        }
        _ => false,
    }
}

/// The frame with other bits where the megaflow doesn't look; `None` if it looks everywhere, or the frame is bytes.
fn change(frame: &Said, flow: &Fields, megaflow: &Fields, random: &mut Stream) -> Option<Said> {
    if frame.bytes.is_some() {
        return None;
    }
    let mut changed = frame.clone();
    let mut any = false;
    for (name, word, kind) in FIELDS {
        let Some((value, _)) = flow.get(name) else { continue };
        let looked = megaflow.get(name).map_or(0, |(_, mask)| *mask);
        // A bit of the tag that is looked at as a whole.
        let looked = if name.starts_with("dl_vlan") && megaflow.contains_key("vlan_tci") { u128::MAX } else { looked };
        let free = !looked & u128::MAX >> (128 - u32::from(kind.width()));
        let flips = kind.mask(random) & free;
        let terms: Vec<&str> = changed.flow.split(',').collect();
        let Some(at) = terms.iter().position(|term| term.split('=').next().is_some_and(|name| is_word(name, word)))
        else {
            continue;
        };
        if flips == 0 {
            continue;
        }
        let (name, _) = terms[at].split_once('=').expect("it has a value");
        let term = format!("{name}={}", kind.text(value ^ flips));
        let mut terms: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
        terms[at] = term;
        changed.flow = terms.join(",");
        any = true;
    }
    any.then_some(changed)
}

/// Whether a name of a field is the one, or with `_src` and `_dst` that of a transport's port.
fn is_word(name: &str, word: &str) -> bool {
    match word {
        "_src" => matches!(name, "tcp_src" | "udp_src" | "sctp_src"),
        "_dst" => matches!(name, "tcp_dst" | "udp_dst" | "sctp_dst"),
        _ => name == word,
    }
}
