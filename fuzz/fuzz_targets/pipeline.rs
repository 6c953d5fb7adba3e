//! Flows of any text in a switch, and frames of any bytes: each is sent, or dropped once; what the cache remembers and the
//! trace can be printed. Lines that are no flow are left out, as are flows that the tables don't take.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sim_core::{Batch, Carrier, Cx, Duration, Node, Outbox, Pool, PortIx, Seed, Time};
use switch::{Switch, WorkerHandle};

const PORTS: u32 = 4;
/// Groups and a meter for flows to use.
const LINES: [&str; 7] = [
    "ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0 -- add-port br0 p0 -- add-port br0 p1 tag=5 \
     -- add-port br0 p2 trunks=5,9 -- add-port br0 p3",
    "ovs-ofctl del-flows br0",
    "ovs-ofctl -O OpenFlow13 add-meter br0 meter=1,pktps,bands=type=drop,rate=5",
    "ovs-ofctl -O OpenFlow15 add-group br0 group_id=1,type=select,bucket=output:1,bucket=weight:3,output:2",
    "ovs-ofctl -O OpenFlow15 add-group br0 group_id=2,type=all,bucket=push_vlan:0x8100,output:1,bucket=group:1",
    "ovs-ofctl -O OpenFlow15 add-group br0 group_id=3,type=ff,bucket=watch_port:4,output:4,bucket=watch_port:1,resubmit(,1)",
    "ovs-ofctl -O OpenFlow15 add-group br0 \
     group_id=4,type=select,selection_method=hash,fields(ip_dst),bucket=output:1,bucket=output:2",
];

fuzz_target!(|input: (&str, Vec<(u8, Vec<u8>)>)| {
    let (flows, frames) = input;
    let mut switch = Switch::new("s1", Seed(1), &WorkerHandle::new());
    let (mut pool, mut rng, mut out) = (Pool::new(), Seed(1).stream("fuzz"), Outbox::default());
    let mut now = Time::ZERO;
    for port in 0..PORTS {
        switch.attach(&format!("p{port}"), PortIx(port));
        let mut cx = Cx { now, pool: &mut pool, rng: &mut rng, out: &mut out };
        // The last one stays down.
        switch.carrier(&mut cx, PortIx(port), if port + 1 < PORTS { Carrier::Up } else { Carrier::Down });
    }
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for line in LINES {
        switch.command_at(now, &words(line)).expect("the line is good");
    }
    for flow in flows.lines().take(40) {
        let _ = switch.add_flows(now, "br0", "flows", flow);
    }
    for (port, bytes) in frames.iter().take(40) {
        // What is longer than a frame can be comes by no link.
        let (port, bytes) = (PortIx(u32::from(*port) % (PORTS - 1)), &bytes[..bytes.len().min(2000)]);
        let trace = switch.trace(now, "br0", port, bytes).expect("it is a port of br0");
        assert!(!trace.to_string().is_empty());
        let mut batch = Batch::new();
        batch.push(pool.copied(bytes));
        let mut cx = Cx { now, pool: &mut pool, rng: &mut rng, out: &mut out };
        switch.frames(&mut cx, port, &mut batch);
        let sent = out.take_frames().count();
        let drops: Vec<_> = out.take_drops().map(|(drop, _)| drop).collect();
        assert!(drops.len() <= 1 && (sent == 0) == (drops.len() == 1), "{sent} sent, {drops:?}");
        drops.iter().for_each(|drop| assert!(!switch.explain_drop(drop, bytes).is_empty()));
        now += Duration::from_millis(700);
    }
    assert_eq!(pool.live(), 0);
    for line in ["ovs-appctl dpctl/dump-flows -m", "ovs-ofctl dump-flows br0", "ovs-ofctl -O OpenFlow15 dump-group-stats br0"] {
        assert!(switch.command_at(now, &words(line)).is_ok());
    }
});
