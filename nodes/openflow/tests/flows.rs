//! Flows as text: what is read, what is printed, what is refused.

use openflow::{
    Action, Bucket, Bundle, BundleAlgorithm, Controller, Flow, FlowCommand, FlowFlags, Group, GroupCommand, GroupKind,
    HashFields, Learn, LearnSource, LearnSpec, Meter, Multipath, MultipathAlgorithm, PacketInReason, Selection,
    parse_file,
};
use packet::field::Field;
use packet::{EtherType, MacAddr, Match, Subfield};
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
    let field = Field::find(name).expect("it is in the table");
    Action::SetField { field, value: value.into(), mask: field.slot.max() }
}

/// Fields that every frame has and actions may write.
fn field() -> impl Strategy<Value = &'static Field> {
    select(vec!["reg0", "reg15", "xreg1", "xxreg3", "metadata", "tun_id", "dl_src", "dl_dst", "pkt_mark"])
        .prop_map(|name| Field::find(name).expect("it is in the table"))
}

/// At most so many bits of a field.
fn bits(max: u8) -> impl Strategy<Value = Subfield> {
    (field(), any::<u8>(), any::<u8>()).prop_map(move |(field, start, len)| {
        let start = start % field.width;
        Subfield { field, start, len: 1 + len % (field.width - start).min(max) }
    })
}

/// Two subfields of the same length.
fn pair() -> impl Strategy<Value = (Subfield, Subfield)> {
    (bits(128), bits(128)).prop_map(|(a, b)| {
        let len = a.len.min(b.len);
        (Subfield { len, ..a }, Subfield { len, ..b })
    })
}

fn learn() -> impl Strategy<Value = Learn> {
    let source = prop_oneof![
        (any::<u128>(), bits(128)).prop_map(|(value, to)| (LearnSource::Value(value & to.max()), to)),
        pair().prop_map(|(from, to)| (LearnSource::Field(from), to)),
    ];
    let spec = prop_oneof![
        source.clone().prop_map(|(source, to)| LearnSpec::Match { source, to }),
        source.prop_map(|(source, to)| LearnSpec::Load { source, to }),
        bits(64).prop_map(LearnSpec::Output),
    ];
    let numbers = any::<(u16, u64, u16, u16, u16, u16, u32)>();
    let result = proptest::option::of(bits(1));
    (0..255_u8, numbers, any::<bool>(), any::<bool>(), result, vec(spec, 0..4)).prop_map(
        |(table, numbers, send_flow_rem, delete_learned, result, specs)| {
            let (priority, cookie, idle_timeout, hard_timeout, fin_idle_timeout, fin_hard_timeout, limit) = numbers;
            Learn {
                table,
                priority,
                cookie,
                idle_timeout,
                hard_timeout,
                fin_idle_timeout,
                fin_hard_timeout,
                send_flow_rem,
                delete_learned,
                limit,
                result,
                specs,
            }
        },
    )
}

fn controller() -> impl Strategy<Value = Controller> {
    use PacketInReason::*;
    let reason = select(vec![NoMatch, Action, InvalidTtl, ActionSet, Group, PacketOut]);
    (any::<u16>(), reason, any::<u16>(), vec(any::<u8>(), 0..5), any::<bool>(), any::<Option<u32>>()).prop_map(
        |(max_len, reason, id, userdata, pause, meter)| Controller { max_len, reason, id, userdata, pause, meter },
    )
}

/// Actions that an action set holds.
fn simple() -> impl Strategy<Value = Action> {
    let mac = any::<[u8; 6]>().prop_map(MacAddr);
    prop_oneof![
        (0..=0xfeff_u32).prop_map(Action::Output),
        select(vec![
            Action::InPort,
            Action::Normal,
            Action::Flood,
            Action::All,
            Action::Local,
            Action::Table,
            Action::StripVlan,
            Action::DecTtl(Vec::new()),
            Action::DecTtl(vec![0, 9]),
            Action::DecMplsTtl,
            Action::PushMpls(EtherType(0x8848)),
            Action::PopMpls(EtherType(0x0800)),
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
        any::<u32>().prop_map(Action::SetQueue),
        (0..=0xffff_ff00_u32).prop_map(Action::Group),
        (0..1_u32 << 20).prop_map(Action::SetMplsLabel),
        any::<u64>().prop_map(Action::SetTunnel),
        (any::<u128>(), bits(64)).prop_map(|(value, to)| Action::Load { to, value: value & to.max() }),
        pair().prop_map(|(from, to)| Action::Move { from, to }),
        (any::<Option<u8>>(), proptest::option::of(0..0xfeff_u32)).prop_filter_map("", |(table, in_port)| {
            let table = table.filter(|table| *table != 255);
            (table.is_some() || in_port.is_some()).then_some(Action::Resubmit { in_port, table, ct: false })
        }),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let hash = select(vec![HashFields::EthSrc, HashFields::SymmetricL3L4Udp, HashFields::NwDst]);
    let members = vec(0..0xff00_u32, 0..4);
    let to = bits(64).prop_map(|to| Some(to).filter(|to| to.len >= 16));
    let leaf = prop_oneof![
        8 => simple(),
        1 => learn().prop_map(|learn| Action::Learn(Box::new(learn))),
        1 => controller().prop_map(|controller| Action::Controller(Box::new(controller))),
        1 => bits(128).prop_map(Action::Push),
        1 => bits(128).prop_map(Action::Pop),
        1 => bits(128).prop_map(|from| Action::OutputReg { from, max_len: u16::MAX }),
        1 => (0..0xff00_u32, 14..u32::MAX).prop_map(|(port, max_len)| Action::OutputTrunc { port, max_len }),
        1 => (0..0xff00_u32, any::<u32>()).prop_map(|(port, queue)| Action::Enqueue { port, queue }),
        1 => (any::<u16>(), bits(1)).prop_map(|(size, to)| Action::CheckPktLarger { size, to }),
        1 => any::<(u16, u16)>().prop_map(|(idle_timeout, hard_timeout)| Action::FinTimeout { idle_timeout, hard_timeout }),
        1 => any::<[u8; 14]>().prop_map(|note| Action::Note(note.to_vec())),
        1 => select(vec![Action::Exit, Action::PopQueue]),
        1 => (hash.clone(), any::<u16>(), to, members).prop_map(|(fields, basis, to, members)| {
            Action::Bundle(Box::new(Bundle { fields, basis, algorithm: BundleAlgorithm::Hrw, to, members }))
        }),
        1 => (hash, any::<(u16, u32)>(), bits(128)).prop_map(|(fields, (basis, arg), to)| {
            let algorithm = MultipathAlgorithm::IterHash;
            Action::Multipath(Box::new(Multipath { fields, basis, algorithm, n_links: 2, arg, to }))
        }),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| vec(inner, 0..4).prop_map(Action::Clone))
}

prop_compose! {
    fn instructions()(
        meter in proptest::option::of(1..u32::MAX), applied in vec(action(), 0..5), vid in 0..4096_u16, pcp in 0..8_u16,
        set_tag: bool, clear: bool, written in proptest::option::of(vec(simple(), 0..4)),
        metadata: Option<(u64, u64)>, goto: bool,
    ) -> Vec<Action> {
        let mut actions: Vec<Action> = meter.map(Action::Meter).into_iter().collect();
        actions.extend(applied);
        if set_tag {
            actions.extend([Action::PushVlan(EtherType::VLAN), set("vlan_vid", 0x1000 | vid), set("vlan_pcp", pcp << 1 | 1)]);
        }
        actions.extend(clear.then_some(Action::ClearActions));
        actions.extend(written.map(Action::WriteActions));
        actions.extend(metadata.map(|(value, mask)| Action::WriteMetadata { value, mask }));
        actions.extend(goto.then_some(Action::GotoTable(254)));
        actions
    }
}

prop_compose! {
    fn flow()(
        table in 0..254_u8, priority: u16, cookie in 0..u64::MAX, idle_timeout: u16, hard_timeout: u16, importance: u16,
        (send_flow_rem, no_packet_counts, no_byte_counts) in any::<(bool, bool, bool)>(),
        matched in select(vec!["", "ip", "tcp,tp_dst=80", "in_port=3,dl_vlan=9", "arp,arp_op=1", "reg0=1/3,metadata=5"]),
        actions in instructions(),
    ) -> Flow {
        let matched = Match::parse(matched).unwrap();
        let flags = FlowFlags { send_flow_rem, no_packet_counts, no_byte_counts, reset_counts: false };
        Flow { table, priority, cookie, idle_timeout, hard_timeout, importance, flags, matched, actions }
    }
}

prop_compose! {
    fn group()(
        id in 0..0xffff_ff00_u32, kind in select(vec![GroupKind::All, GroupKind::Select, GroupKind::Indirect, GroupKind::FastFailover]),
        param: u64, hashes: bool, masks in vec((field(), any::<u128>()), 0..3),
        buckets in vec((any::<u16>(), 0..0xff00_u32, vec(action(), 0..3)), 1..4),
    ) -> Group {
        let mut fields: Vec<(&'static Field, u128)> = Vec::new();
        for (field, mask) in masks {
            if fields.is_empty() {
                fields.push((field, mask & field.slot.max()));
            }
        }
        let selection = match kind {
            GroupKind::Select if hashes => Selection::Hash { param, fields },
            GroupKind::Select => Selection::DpHash { param },
            _ => Selection::Default,
        };
        let watches = matches!(kind, GroupKind::Select | GroupKind::FastFailover);
        let buckets = buckets.into_iter().zip(1..).map(|((weight, port, actions), id)| Bucket {
            id,
            weight: if kind == GroupKind::Select { weight } else { 0 },
            watch_port: watches.then_some(port),
            watch_group: None,
            actions,
        });
        let buckets = buckets.take(if kind == GroupKind::Indirect { 1 } else { 9 }).collect();
        Group { id, kind, selection, buckets }
    }
}

/// A list in a list, so many deep.
fn nested(depth: usize) -> String {
    format!("actions={}1{}", "clone(".repeat(depth), ")".repeat(depth))
}

#[test]
fn lists_in_lists_end_somewhere() {
    assert!(Flow::parse(&nested(32), &ports).is_ok());
    let error = Flow::parse(&nested(33), &ports).unwrap_err();
    assert_eq!(error.to_string(), "column 201: lists of actions stand 32 deep at most");
    assert!(Flow::parse(&nested(100_000), &ports).is_err());
    assert!(Flow::parse(&format!("actions={}", "(".repeat(100_000)), &ports).is_err());
}

proptest! {
    #[test]
    fn a_flow_is_what_its_text_says(flow in flow()) {
        let text = flow.to_string();
        prop_assert_eq!(Flow::parse(&text, &|_| None), Ok(flow), "{}", text);
    }

    #[test]
    fn a_group_is_what_its_text_says(group in group()) {
        let text = group.to_string();
        prop_assert_eq!(Group::parse(&text, &|_| None), Ok(group), "{}", text);
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
        let _ = openflow::parse_group_mods(GroupCommand::Add, &format!("{text}bucket={tail}\n{tail}"), &|_| None);
        let _ = openflow::parse_flow_mods(FlowCommand::Add, &format!("delete {text}\n{tail}"), &|_| None);
        let _ = Meter::parse(&format!("{text},bands={tail}"));
    }

    #[test]
    fn actions_of_any_words_are_read_or_refused(
        words in vec(select(WORDS.to_vec()), 1..8), joins in vec(select(vec![",", "(", ")", ":", "=", "->", "/", "[", "]", ""]), 8),
    ) {
        let text: String = words.iter().zip(joins).flat_map(|(word, join)| [*word, join]).collect();
        let text = format!("tcp,dl_vlan=3,actions={text}");
        match Flow::parse(&text, &ports) {
            Ok(flow) => prop_assert_eq!(Flow::parse(&flow.to_string(), &|_| None), Ok(flow)),
            Err(error) => prop_assert!(error.column <= text.chars().count() + 1),
        }
    }
}

/// What texts of actions are made of.
const WORDS: &[&str] = &[
    "output",
    "controller",
    "learn",
    "table",
    "1",
    "0",
    "0xffff",
    "reg0",
    "NXM_NX_REG1",
    "load",
    "move",
    "set_field",
    "write_actions",
    "clone",
    "resubmit",
    "in_port",
    "eth_src",
    "vlan_vid",
    "vlan_pcp",
    "ip_src",
    "1.2.3.4",
    "push",
    "pop",
    "group",
    "note",
    "11.22",
    "bundle",
    "multipath",
    "conjunction",
    "1/2",
    "0..3",
    "4",
    "max_len",
    "port",
    "é",
    "drop",
    " ",
    "push_vlan",
    "0x8100",
    "goto_table",
    "meter",
    "fin_timeout",
    "idle_timeout",
    "check_pkt_larger",
    "dec_ttl",
    "userdata",
];
