//! How long does it take to write a field into a frame of UDP over IPv4, checksums and all, and to read the words of a key
//! that are asked for?
//!
//! `cargo bench -p netloom-switch --bench rewrite` prints one line for each case.

use packet::key::slot;
use packet::{FlowKey, Slot, compose};
use sim_core::Pool;
use std::hint::black_box;
use switch::rewrite::{Bits, set};

const ROUNDS: u64 = 20_000_000;

/// Prints ns for each round.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn measure(name: &str, mut round: impl FnMut(u64)) {
    let (start, on_cpu) = (std::time::Instant::now(), on_cpu_ns());
    (0..ROUNDS).for_each(&mut round);
    // On a busy machine the clock counts what others do.
    let clock = start.elapsed().as_nanos() as u64;
    let taken = on_cpu.zip(on_cpu_ns()).map_or(clock, |(before, after)| after - before);
    println!("{name:24} {:6.1} ns", taken as f64 / ROUNDS as f64);
}

/// How long this process has had a CPU, where the system tells (Linux, proc(5)).
fn on_cpu_ns() -> Option<u64> {
    std::fs::read_to_string("/proc/self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}

fn main() {
    let text = "udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=53,udp_dst=54,nw_ttl=64";
    let key = FlowKey::parse_with(text, &|_| None).expect("the terms are known");
    let bytes = compose(&key);
    let mut pool = Pool::new();
    let mut frame = pool.copied(&bytes);
    let fields: [(&str, Slot); 5] = [
        ("write dl_dst", slot::DL_DST),
        ("write nw_ttl", slot::NW_TTL),
        ("write nw_tos", slot::NW_TOS),
        ("write nw_src", slot::NW_SRC),
        ("write tp_dst", slot::TP_DST),
    ];
    for (name, slot) in fields {
        let mask = (slot.max() as u64) << slot.shift;
        measure(name, |n| {
            let value = n.wrapping_mul(0x0001_0001_0001_0001) << slot.shift & mask;
            set(black_box(&mut frame), &mut pool, Bits { word: slot.word, value, mask });
        });
    }
    let mut out = FlowKey::EMPTY;
    for (name, wanted) in [
        ("read port, type", 1),
        ("read MAC addresses", 0b110),
        ("read nw_dst", 0b1_0001),
        ("read tp_dst", 0b1001),
        ("read all of the frame", u64::MAX),
    ] {
        measure(name, |_| {
            FlowKey::extract_words(1, black_box(&bytes), black_box(wanted), &mut out);
            black_box(&mut out);
        });
    }
    measure("read word 0 alone", |_| {
        black_box(FlowKey::extract_word0(1, black_box(&bytes), u64::MAX));
    });
    measure("extract a whole key", |_| {
        black_box(FlowKey::extract(1, black_box(&bytes)));
    });
}
