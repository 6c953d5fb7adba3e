//! What the targets share: frames sent by the hosts of a small lab.

use sim_core::{PortIx, Tag, Time, Until};
use topologies::run::Net;

/// Sends frames, the number of the host among `hosts` before each, 10 ms apart: nothing panics, and an hour later nothing
/// is in flight. `shape` may change the bytes first.
///
/// # Panics
/// If that isn't so, or the lab isn't good.
pub fn send_from_hosts(lab: &str, hosts: &[&str], frames: &[(u8, Vec<u8>)], mut shape: impl FnMut(&Net, &mut Vec<u8>)) {
    let loaded = topologies::parse("fuzz.toml", lab, &[]).expect("the lab is good");
    let mut net = Net::new(&loaded.lab).expect("the lab is good");
    net.engine_mut().run(Until::Through(Time::ZERO));
    for (number, (from, bytes)) in frames.iter().enumerate() {
        let host = net.names().find(hosts[usize::from(*from) % hosts.len()]).expect("a host of the lab");
        let mut bytes = bytes.clone();
        shape(&net, &mut bytes);
        net.with_host(host, |host, cx| host.send_raw(cx, PortIx(0), &bytes, Tag::NONE));
        net.engine_mut().run(Until::Through(Time::from_millis(10 * number as u64)));
    }
    net.engine_mut().run(Until::Through(Time::from_secs(3600)));
    assert_eq!(net.engine().in_flight(), 0);
}
