//! Frames of any bytes and length, sent by a host of a small lab with every VLAN mode: nothing panics, and nothing is left
//! in flight.
#![no_main]

const LAB: &str = r#"
[switches.s1]
setup = "ovs-vsctl set Open_vSwitch . other_config:vlan-limit=2"
[switches.s1.ports]
access = { tag = 9, to = "h1" }
trunk = { trunks = [9, 19], to = "s2:trunk" }
native = { vlan_mode = "native-untagged", tag = 9, trunks = [19], to = "h2" }
tunnel = { vlan_mode = "dot1q-tunnel", tag = 9, cvlans = [5], to = "h3" }
[switches.s2.ports]
trunk = {}
hub = { to = "hub:1" }
[hubs.hub]
[hosts]
h1 = { ip = ["10.0.0.1/24", "2001:db8::1/64"] }
h2 = { ip = ["10.0.0.2/24", "2001:db8::2/64"] }
h3 = { ip = ["10.0.0.3/24", "2001:db8::3/64"] }
h4 = { ip = ["10.0.0.4/24", "2001:db8::4/64"], to = "hub:2" }
"#;

libfuzzer_sys::fuzz_target!(|frames: Vec<(u8, Vec<u8>)>| {
    netloom_fuzz::send_from_hosts(LAB, &["h1", "h2", "h3", "h4"], &frames, |_, _| {});
});
