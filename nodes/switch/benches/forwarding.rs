//! How long does a worker take for a frame, with the copy of the frame into the pool and the end of the frame
//! that is sent? Forward, push-vlan, an access list over 1000 and 100000 UDP flows, 24 masks, and NORMAL over 1000 x 1000
//! stations, as `bench switch` asks the same of captures: 60-byte frames from as many (20000 for NORMAL) slots with a
//! stride of 2 KiB.
//!
//! And how long do 1000 switches of 13 ports take to build, with how much memory?
//!
//! `cargo bench -p netloom-switch --bench forwarding [-- SECONDS [CASE]]` prints one line for each case.

use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Row, Table};
use sim_core::{Batch, Carrier, Cx, Node, Outbox, Pool, PortIx, Seed, Stream, Time};
use switch::{Switch, WorkerHandle};

const STRIDE: usize = 2048;
const FRAME: usize = 60;

/// Frames in memory as a capture is: one for each stride.
struct Capture(Vec<u8>);

impl Capture {
    fn new(count: usize, mut fill: impl FnMut(usize, &mut [u8])) -> Self {
        let mut bytes = vec![0; count * STRIDE];
        for (n, slot) in bytes.chunks_mut(STRIDE).enumerate() {
            slot[12..14].copy_from_slice(&[8, 0]);
            fill(n, &mut slot[..FRAME]);
        }
        Self(bytes)
    }
}

struct Rig {
    switch: Switch,
    worker: WorkerHandle,
    pool: Pool,
    rng: Stream,
    out: Outbox,
}

impl Rig {
    fn new(lines: &[String]) -> Self {
        let worker = WorkerHandle::new();
        let mut switch = Switch::new("s1", Seed(1), &worker);
        switch.attach("n0", PortIx(0));
        switch.attach("n1", PortIx(1));
        let (pool, rng, out) = (Pool::new(), Seed(1).stream("bench"), Outbox::default());
        let mut rig = Self { switch, worker, pool, rng, out };
        rig.line("ovs-vsctl add-br br0 -- add-port br0 n0 -- add-port br0 n1");
        lines.iter().for_each(|line| rig.line(line));
        for port in [PortIx(0), PortIx(1)] {
            let mut cx = Cx { now: Time::ZERO, pool: &mut rig.pool, rng: &mut rig.rng, out: &mut rig.out };
            rig.switch.carrier(&mut cx, port, Carrier::Up);
        }
        rig
    }

    fn line(&mut self, line: &str) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        if let Err(error) = self.switch.command_at(Time::ZERO, &words) {
            panic!("{line}: {error}");
        }
    }

    /// Offers the capture again and again for some seconds; prints ns for each frame.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
    fn measure(&mut self, name: &str, capture: &Capture, seconds: f64) {
        if words().nth(1).is_some_and(|only| only != name) {
            return;
        }
        let start = std::time::Instant::now();
        let on_cpu = on_cpu_ns();
        let mut batch = Batch::new();
        let (mut offered, mut sent) = (0_u64, 0_u64);
        let mut slots = capture.0.chunks(STRIDE).cycle();
        let elapsed = loop {
            let elapsed = start.elapsed();
            if elapsed.as_secs_f64() > seconds {
                break elapsed;
            }
            let now = Time::from_nanos(elapsed.as_nanos() as u64);
            for _ in 0..32 {
                for slot in slots.by_ref().take(Batch::MAX) {
                    batch.push(self.pool.copied(&slot[..FRAME]));
                }
                offered += batch.len() as u64;
                if name.starts_with("copy") {
                    batch.drain().for_each(drop);
                    continue;
                }
                let mut cx = Cx { now, pool: &mut self.pool, rng: &mut self.rng, out: &mut self.out };
                self.switch.frames(&mut cx, PortIx(0), &mut batch);
                sent += self.out.take_frames().count() as u64;
                self.out.take_drops().for_each(drop);
            }
        };
        // On a busy machine the clock counts what others do.
        let taken = on_cpu.zip(on_cpu_ns()).map_or(elapsed.as_nanos() as u64, |(before, after)| after - before);
        let ns = taken as f64 / offered as f64;
        let stats = self.worker.worker().stats();
        println!("{name:10} {ns:6.1} ns a frame, {:5.1} Mpps, {sent} of {offered} sent, {stats:?}", 1e3 / ns);
    }
}

/// An access list.
const ACL: [&str; 4] = [
    "priority=100,udp,tp_dst=53,actions=output:2",
    "priority=90,ip,nw_dst=10.1.0.0/17,actions=output:2",
    "priority=80,udp,tp_dst=80,actions=mod_tp_dst:8080,output:2",
    "priority=10,actions=output:2",
];

/// Frames of so many UDP flows between 10.0.0.0/16 and 10.1.0.0/16, to five ports.
fn udp(flows: usize) -> Capture {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16).to_be_bytes()
    };
    Capture::new(flows, |_, frame| {
        frame[..6].copy_from_slice(&mac(1));
        frame[6..12].copy_from_slice(&mac(2));
        frame[14..26].copy_from_slice(&[0x45, 0, 0, 46, 0, 1, 0, 0, 64, 17, 0, 0]);
        let ([_, _, a, b], [_, _, c, d], [_, _, e, f]) = (random(), random(), random());
        let to = [53_u16, 80, 443, 123, 4789][usize::from(f) % 5].to_be_bytes();
        frame[26..38].copy_from_slice(&[10, 0, a, b, 10, 1, c, d, e | 4, f, to[0], to[1]]);
        frame[38..40].copy_from_slice(&26_u16.to_be_bytes());
    })
}

/// The words of the command line. Cargo adds `--bench`.
fn words() -> impl Iterator<Item = String> {
    std::env::args().skip(1).filter(|word| !word.starts_with("--"))
}

/// How long this process has had a CPU, where the system tells (Linux, proc(5)).
fn on_cpu_ns() -> Option<u64> {
    std::fs::read_to_string("/proc/self/schedstat").ok()?.split_whitespace().next()?.parse().ok()
}

fn mac(n: usize) -> [u8; 6] {
    let [.., a, b, c] = n.to_be_bytes();
    [2, 0, 0, a, b, c]
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn main() {
    let seconds = words().next().and_then(|word| word.parse().ok()).unwrap_or(1.0);
    let flows = |flow: &str| ["ovs-ofctl del-flows br0".to_owned(), format!("ovs-ofctl add-flow br0 {flow}")];
    let stations = Capture::new(1000, |n, frame| {
        frame[..6].copy_from_slice(&mac(1));
        frame[6..12].copy_from_slice(&mac(2));
        frame[14..34].copy_from_slice(&[
            0x45,
            0,
            0,
            46,
            0,
            1,
            0,
            0,
            64,
            17,
            0,
            0,
            10,
            0,
            (n >> 8) as u8,
            n as u8,
            10,
            1,
            0,
            9,
        ]);
    });
    Rig::new(&flows("in_port=1,actions=output:2")).measure("forward", &stations, seconds);
    Rig::new(&flows("in_port=1,actions=mod_vlan_vid:10,output:2")).measure("push-vlan", &stations, seconds);
    Rig::new(&flows("in_port=1,ip,actions=output:2")).measure("word", &stations, seconds);
    Rig::new(&flows("in_port=1,ip,nw_dst=10.1.0.0/16,actions=output:2")).measure("key", &stations, seconds);
    let acl: Vec<String> = std::iter::once("ovs-ofctl del-flows br0".to_owned())
        .chain(ACL.map(|flow| format!("ovs-ofctl add-flow br0 {flow}")))
        .collect();
    Rig::new(&acl).measure("acl-1k", &udp(1000), seconds);
    Rig::new(&acl).measure("acl-100k", &udp(100_000), seconds);
    let masks: Vec<String> = (9..33)
        .map(|bits| {
            format!("ovs-ofctl add-flow br0 priority={bits},ip,nw_dst=10.1.0.9/{bits},nw_src=10.0.0.0/{bits},actions=2")
        })
        .collect();
    Rig::new(&masks).measure("masks", &udp(1000), seconds);
    let setup: Vec<String> =
        (0..1000).map(|n| format!("ovs-appctl fdb/add br0 n1 0 {}", text(mac(5000 + n)))).collect();
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % 1000
    };
    let pairs = Capture::new(20_000, |_, frame| {
        frame[..6].copy_from_slice(&mac(5000 + random()));
        frame[6..12].copy_from_slice(&mac(100 + random()));
    });
    // What the rig itself takes.
    Rig::new(&[]).measure("copy", &stations, seconds);
    Rig::new(&[]).measure("copy-20k", &pairs, seconds);
    Rig::new(&[]).measure("copy-100k", &udp(100_000), seconds);
    Rig::new(&setup).measure("mac1k", &pairs, seconds);
    build();
}

/// Builds switches as a lab does, each in one transaction, and brings their links up.
fn build() {
    let before = (on_cpu_ns(), resident_bytes());
    let worker = WorkerHandle::new();
    let (mut pool, mut rng, mut out) = (Pool::new(), Seed(1).stream("bench"), Outbox::default());
    let mut switches = Vec::new();
    for n in 0..1000 {
        let mut switch = Switch::new(&format!("s{n}"), Seed(1), &worker);
        let names: Vec<String> = (0..13).map(|port| format!("eth{port}")).collect();
        for (port, name) in names.iter().enumerate() {
            switch.attach(name, PortIx(port as u32));
        }
        let built = switch.transact(|txn| {
            let mut ports = Vec::new();
            for name in names.iter().map(String::as_str).chain(["br0"]) {
                let interface = txn.insert(Table::Interface).with(interface::NAME, name).add()?;
                let port = txn.insert(Table::Port).with(port::NAME, name).with(port::INTERFACES, interface);
                ports.push(port.add()?);
            }
            let bridge = txn.insert(Table::Bridge).with(bridge::NAME, "br0").with(bridge::PORTS, ports).add()?;
            let root = txn.rows(Table::OpenVSwitch).next().map(Row::uuid);
            txn.set(root.expect("a new store has its root"), open_vswitch::BRIDGES, bridge)
        });
        built.unwrap_or_else(|error: ovsdb::Error| panic!("{error}"));
        let mut cx = Cx { now: Time::ZERO, pool: &mut pool, rng: &mut rng, out: &mut out };
        (0..13).for_each(|port| switch.carrier(&mut cx, PortIx(port), Carrier::Up));
        switches.push(switch);
    }
    if let ((Some(start), Some(old)), (Some(end), Some(new))) = (before, (on_cpu_ns(), resident_bytes())) {
        let ms = (end - start) as f64 / 1e6;
        println!("build      {ms:6.1} ms for {} switches, {} bytes each", switches.len(), (new - old) / switches.len());
    }
}

/// The memory of this process, where the system tells (Linux, proc(5)).
fn resident_bytes() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
