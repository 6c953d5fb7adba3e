//! Nothing is lost in silence: on a bad network, too, what was sent on a link has arrived or is a drop with a reason,
//! and the counters of both ends agree with those of the link.

use sim_core::{DropReason, Duration, LinkIx, NodeIx, PortIx, Time};
use std::collections::BTreeMap;
use topologies::run::{Device, End, Net, Session};

/// Three sites on bad lines; one line fails for a while. The seed is the test's.
const LAB: &str = r#"
[switches.s1.ports]
lossy = { to = "s2:up", loss = "20%", jitter = "1ms", reorder = "30%" }
narrow = { to = "s3:up", rate = "200kbit", queue = 3, mtu = 600 }
noisy = { to = "hub:1", corrupt = "15%" }
h1 = { tag = 9, to = "h1" }
h2 = { to = "h2" }

[switches.s2.ports]
up = { trunks = [0, 9] }
h3 = { tag = 9, to = "h3" }
h4 = { tag = 8, to = "h4" }

[switches.s3.ports]
up = {}
h5 = { to = "h5" }
h6 = { to = "h6", up = false }

[hubs.hub]

[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.2/24"
h3 = "10.0.0.3/24"
h4 = "10.0.0.4/24"
h5 = "10.0.0.5/24"
h6 = "10.0.0.6/24"
h7 = { ip = "10.0.0.7/24", to = "hub:2" }
h8 = { ip = "10.0.0.8/24", to = "hub:3" }

[[events]]
at = "3s"
do = "link s1:lossy down"
[[events]]
at = "3500ms"
do = "link s1:lossy up"
"#;

/// Every host pings every other with packets of several sizes, all at once.
fn run(seed: u64) -> Net {
    let seed = ("seed".to_owned(), seed.to_string());

    let loaded = topologies::parse("bad-lines.toml", LAB, &[seed]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let mut session = Session::new(loaded.lab).unwrap_or_else(|errors| panic!("{errors:#?}"));
    for from in 1..=8 {
        for to in (1..=8).filter(|to| *to != from) {
            let line = format!("h{from} ping h{to} -c 8 -s {} -i 700", 40 + 150 * to);
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            session.command(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
    session.run(End::At(Time::ZERO + Duration::from_secs(60)));
    assert!(!session.is_busy(), "all pings are over");
    let lab = session.lab().clone();
    assert!(session.take_errors().is_empty());
    let net = std::mem::replace(session.net_mut(), Net::new(&lab).expect("it could be made before"));
    assert_eq!(net.engine().in_flight(), 0);
    net
}

/// Frames that a node's port took in and sent, by the node's own counters.
fn port_counters(net: &Net, node: NodeIx, port: PortIx) -> (u64, u64) {
    match net.engine().node(node) {
        Device::Switch(switch) => {
            let name = net.names().port_name(node, port).expect("the port has a name");
            let counters = switch.counters(name).expect("the bridge has the port");
            (counters.rx_packets, counters.tx_packets)
        }
        Device::Host(host) => {
            let counters = host.interfaces()[0].counters();
            (counters.rx_frames + counters.rx_filtered, counters.tx_frames)
        }
        Device::Hub(hub) => {
            let counters = hub.counters(port).expect("the hub has the port");
            (counters.rx_frames, counters.tx_frames)
        }
        Device::Server(_) => unreachable!("the lab has no servers"),
    }
}

#[test]
fn on_every_link_frames_sent_are_frames_arrived_and_drops() {
    let mut reasons: BTreeMap<DropReason, u64> = BTreeMap::new();
    for seed in 1..=10 {
        let net = run(seed);
        let engine = net.engine();
        for link in (0..engine.link_count() as u32).map(LinkIx) {
            let ends = engine.ends(link);
            for (dir, [from, to]) in [(link.forward(), ends), (link.backward(), [ends[1], ends[0]])] {
                let about = format!("seed {seed}, {}", net.names().direction(dir));
                let (_, sent) = port_counters(&net, from.0, from.1);
                let (received, _) = port_counters(&net, to.0, to.1);
                let arrived = engine.link_counters(dir).frames;
                let drops = engine.link_drops(dir);
                // A corrupted frame arrives: it is the receiver's frame check that kills it.
                let corrupt = drops.total(None, Some(DropReason::CorruptFcs));
                assert_eq!(sent, arrived + drops.total(None, None) - corrupt, "{about}: {drops:?}");
                assert_eq!(received, arrived - corrupt, "{about}");
                engine.link_drops(dir).iter().for_each(|(_, reason, n)| *reasons.entry(reason).or_default() += n);
            }
        }
    }
    // Each key of a link that can kill has done so.
    let expected = [
        DropReason::LinkDown,
        DropReason::Loss,
        DropReason::QueueFull,
        DropReason::MtuExceeded,
        DropReason::CorruptFcs,
    ];
    assert!(expected.iter().all(|reason| reasons.contains_key(reason)), "{reasons:?}");
}

#[test]
fn inside_a_hub_and_a_host_nothing_dies() {
    let net = run(1);
    let hub = net.names().find("hub").expect("the lab has it");
    let rows: Vec<(u64, u64)> = (0..3).map(|port| port_counters(&net, hub, PortIx(port))).collect();
    let (came, went): (Vec<u64>, Vec<u64>) = rows.into_iter().unzip();
    assert!(came.iter().all(|frames| *frames > 0), "{came:?}");
    assert_eq!(went.iter().sum::<u64>(), 2 * came.iter().sum::<u64>(), "each frame leaves by both other ports");
}
