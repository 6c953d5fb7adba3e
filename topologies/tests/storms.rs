//! The loop guard names the loop that a storm goes round on, and what to do about it.

use topologies::parse;
use topologies::run::{End, Session};

/// Runs a lab in which h1 asks for an address that nobody has, until the guard stops it; gives the guard's message.
fn storm(switches: &str) -> String {
    let text = format!(
        "{switches}\n[hosts]\nh1 = \"10.0.0.1/24\"\nh2 = \"10.0.0.2/24\"\n\
         [[events]]\nat = \"0s\"\ndo = \"h1 ping 10.0.0.9\"\n"
    );
    let lab = parse("storm.toml", &text, &[]).expect("the lab is right").lab;
    let mut session = Session::new(lab).expect("its devices are right");
    session.net_mut().engine_mut().set_max_events(20_000);
    session.run(End::Quiet);
    session.run(End::At(sim_core::Time::from_secs(5)));
    session.exhausted().unwrap_or("nothing happened").to_owned()
}

/// The part of the message that is the loop, as a set of its nodes and links, whichever way round it is told.
fn told_loop(message: &str) -> Vec<String> {
    let (_, rest) = message.split_once("there is a loop, ").unwrap_or_else(|| panic!("no loop in: {message}"));
    let (told, _) = rest.split_once(": broadcasts").expect("the busiest links follow");
    told.split(" - ").map(str::to_owned).collect()
}

#[test]
fn a_ring_is_named_link_by_link_with_its_remedy() {
    let message = storm(
        "[switches.s1.ports]\na = { to = \"s2:b\" }\nh = { to = \"h1\" }\n[switches.s2.ports]\na = { to = \"s3:b\" }\n\
         [switches.s3.ports]\na = { to = \"s4:b\" }\n[switches.s4.ports]\na = { to = \"s1:b\" }\nh = { to = \"h2\" }\n",
    );
    let told = told_loop(&message);
    assert_eq!(told.len(), 5, "four links and the first switch again: {message}");
    assert_eq!(told[0].split(':').next(), Some(told[4].as_str()), "it ends where it began: {message}");
    let mut nodes: Vec<&str> = told[..4].iter().map(|port| &port[..2]).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["s1", "s2", "s3", "s4"], "{message}");
    assert!(message.contains("rstp_enable = true") && message.contains("links down"), "{message}");
    assert!(!message.contains("h1:") && !message.contains("h2:"), "a host's link is on no loop: {message}");
}

#[test]
fn of_a_mesh_a_shortest_loop_is_named() {
    let message = storm(
        "[switches.s1.ports]\na = { to = \"s2:a\" }\nb = { to = \"s3:a\" }\nc = { to = \"s4:a\" }\nh = { to = \"h1\" }\n\
         [switches.s2.ports]\na = {}\nb = { to = \"s3:b\" }\nc = { to = \"s4:b\" }\n\
         [switches.s3.ports]\na = {}\nb = {}\nc = { to = \"s4:c\" }\nh = { to = \"h2\" }\n[switches.s4]\n",
    );
    assert_eq!(told_loop(&message).len(), 4, "three links and the first switch again: {message}");
}

#[test]
fn two_cables_between_two_switches_are_a_loop() {
    let message = storm(
        "[switches.s1.ports]\na = { to = \"s2:a\" }\nb = { to = \"s2:b\" }\nh = { to = \"h1\" }\n[switches.s2.ports]\n\
         a = {}\nb = {}\nh = { to = \"h2\" }\n",
    );
    let told = told_loop(&message);
    assert!(told == ["s1:b", "s2:a", "s1"] || told == ["s1:a", "s2:b", "s1"], "{message}");
}

#[test]
fn of_two_loops_the_one_that_broadcasts_go_round_on_is_named() {
    // The far ring hangs on a link that loses every frame.
    let message = storm(
        "[switches.s1.ports]\na = { to = \"s2:a\" }\nb = { to = \"s2:b\" }\nh = { to = \"h1\" }\n\
         far = { to = \"t1:far\", loss = \"100%\" }\n[switches.s2.ports]\na = {}\nb = {}\nh = { to = \"h2\" }\n\
         [switches.t1.ports]\na = { to = \"t2:a\" }\nb = { to = \"t2:b\" }\nfar = {}\n[switches.t2]\n",
    );
    assert!(told_loop(&message).iter().all(|place| place.starts_with('s')), "{message}");
}

#[test]
fn hubs_make_loops_as_well_and_a_plug_into_the_own_switch_does() {
    let hubs = storm(
        "[hubs.u]\n[hubs.v]\n[switches.s1.ports]\na = { to = \"u:1\" }\nb = { to = \"v:1\" }\nh = { to = \"h1\" }\n\
         [switches.s2.ports]\na = { to = \"u:2\" }\nb = { to = \"v:2\" }\nh = { to = \"h2\" }\n",
    );
    let told = told_loop(&hubs);
    assert_eq!(told.len(), 5, "{hubs}");
    assert!(["u:", "v:", "s1:", "s2:"].iter().all(|node| told.iter().any(|place| place.starts_with(node))), "{hubs}");
    let plug = storm("[switches.s1.ports]\na = { to = \"s1:b\" }\nb = {}\nh = { to = \"h1\" }\nh2 = { to = \"h2\" }\n");
    assert_eq!(told_loop(&plug), ["s1:a", "s1"], "{plug}");
}
