//! Flows as text: what is read, what is printed, what is refused.

use openflow::{Action, Flow, parse_file};
use packet::{EtherType, MacAddr, Match};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn ports(name: &str) -> Option<u32> {
    match name {
        "a1" => Some(7),
        "normal-port" => Some(8),
        _ => None,
    }
}

fn parse(text: &str) -> Flow {
    Flow::parse(text, &ports).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn check(text: &str, printed: &str) {
    let flow = parse(text);
    assert_eq!(flow.to_string(), printed, "{text}");
    assert_eq!(parse(printed), flow, "{text}");
}

#[test]
fn a_flow_has_a_normal_form() {
    check("priority=100,udp,tp_dst=53,actions=output:2", "priority=100,udp,tp_dst=53 actions=output:2");
    check("actions=drop", "actions=drop");
    check("actions=", "actions=drop");
    check(
        "table=3,cookie=0x5,idle_timeout=10,hard_timeout=20,in_port=1 actions=mod_vlan_vid:10,output:2",
        "cookie=0x5, table=3, idle_timeout=10, hard_timeout=20, in_port=1 actions=mod_vlan_vid:10,output:2",
    );
    check("  in_port=1 , ip ,action=strip_vlan , NORMAL ", "ip,in_port=1 actions=strip_vlan,NORMAL");
    check("in_port=a1,actions=a1,output:a1,3,output(4)", "in_port=7 actions=output:7,output:7,output:3,output:4");
    check("actions=flood,ALL,Local,in_port,65534,0xfffb", "actions=FLOOD,ALL,LOCAL,IN_PORT,LOCAL,FLOOD");
    check("actions=normal-port", "actions=output:8");
    check("priority=010 actions=1", "priority=8 actions=output:1");
    check("priority=5,priority=32768 actions=1", "actions=output:1");
    check(
        "cookie=0x0, duration=5.1s, table=0, n_packets=3, n_bytes=180, idle_age=9, priority=1,arp actions=NORMAL",
        "priority=1,arp actions=NORMAL",
    );
}

#[test]
fn every_action_is_read_and_printed() {
    check(
        "ip,actions=mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:8,dec_ttl,1",
        "ip actions=mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:8,dec_ttl,output:1",
    );
    check("tcp,actions=mod_tp_src:80,mod_tp_dst:0x50", "tcp actions=mod_tp_src:80,mod_tp_dst:80");
    check(
        "actions=mod_dl_src:0:11:22:33:44:55,mod_dl_dst:01:02:03:04:05:06",
        "actions=mod_dl_src:00:11:22:33:44:55,mod_dl_dst:01:02:03:04:05:06",
    );
    check("actions=set_vlan_vid:5,set_vlan_pcp:7,pop_vlan", "actions=mod_vlan_vid:5,mod_vlan_pcp:7,strip_vlan");
    check(
        "actions=push_vlan:0x88a8,set_field:4100->vlan_vid,set_field:3->vlan_pcp,output:1",
        "actions=push_vlan:0x88a8,set_field:4100->vlan_vid,set_field:3->vlan_pcp,output:1",
    );
    check("dl_vlan=5,actions=set_field:6->vlan_vid", "dl_vlan=5 actions=set_field:4102->vlan_vid");
    check(
        "tcp,actions=set_field:1.2.3.4->ip_src,set_field:80->tcp_dst,set_field:4->nw_tos,set_field:1:2:3:4:5:6->eth_src",
        "tcp actions=mod_nw_src:1.2.3.4,mod_tp_dst:80,mod_nw_tos:4,mod_dl_src:01:02:03:04:05:06",
    );
}

#[test]
fn an_error_names_the_place_and_what_would_be_right() {
    let check = |text: &str, error: &str| {
        assert_eq!(Flow::parse(text, &ports).unwrap_err().to_string(), error, "{text}");
    };
    check("priority=5,ip", "column 14: a flow needs actions: add actions=drop or other ones at the end");
    check("ip,actions", "column 4: a flow needs actions: add actions=drop or other ones at the end");
    check("ip,actions=outptu:2", "column 12: `outptu` is no action or port, did you mean output?");
    check("actions=1, b9", "column 12: `b9` is no action or port");
    check(
        "actions=output:b9",
        "column 9: output: `b9` is not a port: its name, a number up to 65279, or in_port, local, normal, flood, all",
    );
    check("actions=output", "column 9: output needs a value, e.g. output:2");
    check("actions=1,mod_vlan_vid:4096", "column 11: mod_vlan_vid: `4096` is not a VLAN: 0 to 4095");
    check("actions=mod_nw_tos:3", "column 9: mod_nw_tos: `3` is not a multiple of 4 from 0 to 252");
    check("actions=push_vlan:0x800", "column 9: push_vlan: `0x800` is not the type of a VLAN tag: 0x8100 or 0x88a8");
    check("actions=normal:3", "column 9: normal takes no value");
    check("actions=1,drop", "column 11: drop can't stand with other actions");
    check("actions=output(2", "column 9: `(` without `)`");
    check("priority=65536,actions=1", "column 1: priority: `65536` is not a number from 0 to 65535");
    check("table=256,actions=1", "column 1: table: `256` is not a number from 0 to 255");
    check("ip,priority,actions=1", "column 4: priority needs a value, e.g. priority=10");
    check("ip,prioritty=3,actions=1", "column 4: `prioritty` is no field or protocol, did you mean priority?");
    check("table=1,nw_srcc=3,actions=1", "column 9: `nw_srcc` is no field or protocol, did you mean nw_src?");
    check("actions=set_field:5", "column 9: set_field needs a value, e.g. set_field:4106->vlan_vid");
    check("actions=set_field:5->vlan_vdi", "column 9: `vlan_vdi` is no field, did you mean vlan_vid?");
    check(
        "actions=set_field:4106->vlan_vid",
        "column 9: set_field of vlan_vid needs a VLAN tag: match dl_vlan, or push_vlan or mod_vlan_vid before it",
    );
    check(
        "dl_vlan=3,actions=strip_vlan,set_field:4106->vlan_vid",
        "column 30: set_field of vlan_vid needs a VLAN tag: match dl_vlan, or push_vlan or mod_vlan_vid before it",
    );
    check(
        "udp,actions=set_field:80->tcp_src",
        "column 13: set_field: tcp_src has a meaning only with one of tcp, tcp6: add tcp to the match",
    );
}

#[test]
fn a_file_has_a_flow_a_line_and_all_its_errors_are_told() {
    let text = "# rules\n\npriority=1 actions=drop # the rest\n  in_port=1,actions=2\n";
    let flows = parse_file(text, &ports).unwrap();
    assert_eq!(flows, [parse("priority=1,actions=drop"), parse("in_port=1,actions=2")]);
    let errors = parse_file("actions=1\nfoo\n\nactions=qwert\n", &ports).unwrap_err();
    let text: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "line 2, column 4: a flow needs actions: add actions=drop or other ones at the end",
            "line 4, column 9: `qwert` is no action or port",
        ]
    );
}

/// Writes a whole field.
fn set(name: &str, value: u16) -> Action {
    let field = packet::Field::find(name).expect("it is in the table");
    Action::SetField { field, value: value.into(), mask: field.slot.max() }
}

fn action() -> impl Strategy<Value = Action> {
    let mac = any::<[u8; 6]>().prop_map(MacAddr);
    prop_oneof![
        (0..=0xfeff_u32).prop_map(Action::Output),
        select(vec![
            Action::InPort,
            Action::Normal,
            Action::Flood,
            Action::All,
            Action::Local,
            Action::StripVlan,
            Action::DecTtl(Vec::new()),
        ]),
        (0..4096_u16).prop_map(Action::ModVlanVid),
        (0..8_u8).prop_map(Action::ModVlanPcp),
        mac.clone().prop_map(Action::ModDlSrc),
        mac.prop_map(Action::ModDlDst),
        any::<u32>().prop_map(|addr| Action::ModNwSrc(addr.into())),
        any::<u32>().prop_map(|addr| Action::ModNwDst(addr.into())),
        any::<u16>().prop_map(Action::ModTpSrc),
        any::<u16>().prop_map(Action::ModTpDst),
        (0..64_u8).prop_map(|dscp| Action::ModNwTos(dscp << 2)),
    ]
}

prop_compose! {
    fn flow()(
        table in 0..255_u8, priority: u16, cookie in 0..u64::MAX, idle_timeout: u16, hard_timeout: u16,
        matched in select(vec!["", "ip", "tcp,tp_dst=80", "in_port=3,dl_vlan=9", "arp,arp_op=1", "dl_dst=ff:ff:ff:ff:ff:ff"]),
        actions in vec(action(), 0..5), vid in 0..4096_u16, pcp in 0..8_u16, set_tag: bool,
    ) -> Flow {
        let mut actions = actions;
        if set_tag {
            actions.extend([Action::PushVlan(EtherType::VLAN), set("vlan_vid", 0x1000 | vid), set("vlan_pcp", pcp << 1 | 1)]);
        }
        let matched = Match::parse(matched).unwrap();
        Flow { table, priority, cookie, idle_timeout, hard_timeout, matched, actions, ..Flow::default() }
    }
}

proptest! {
    #[test]
    fn a_flow_is_what_its_text_says(flow in flow()) {
        let text = flow.to_string();
        prop_assert_eq!(Flow::parse(&text, &|_| None), Ok(flow), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(
        text in "([a-z_]{1,8}(=[0-9a-fx:.>()-]{0,6})?[, ]){0,3}(actions=)?([a-z_]{1,9}[:=(]?[0-9é>()-]{0,6}[, ]){0,3}",
    ) {
        match Flow::parse(&text, &|_| None) {
            Ok(flow) => prop_assert_eq!(Flow::parse(&flow.to_string(), &|_| None), Ok(flow)),
            Err(error) => prop_assert!(error.column <= text.chars().count() + 1),
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,30}", tail in "\\PC{0,30}") {
        let _ = parse_file(&format!("{text}actions={tail}\n{tail}"), &|_| None);
    }
}
