//! What `ofproto/trace` prints. The expected texts are those of the real Open vSwitch 3.1.

mod rig;

use rig::Rig;

/// Traces a flow in br0, whose ports are p1, p2 and p3, with these flows.
fn trace(flows: &str, words: &str) -> String {
    let mut rig = Rig::new(4);
    let ports: String = (1..=3).map(|n| format!(" -- add-port br0 p{n}")).collect();
    rig.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{ports}"));
    rig.line("ovs-ofctl del-flows br0");
    let now = rig.now;
    rig.switch.add_flows(now, "br0", "flows", &flows.replace(';', "\n")).unwrap_or_else(|error| panic!("{error}"));
    rig.line(&format!("ovs-appctl ofproto/trace br0 {words}"))
}

fn check(flows: &str, words: &str, actions: &str) {
    let text = trace(flows, words);
    let found = text.lines().find_map(|line| line.strip_prefix("Datapath actions: "));
    assert_eq!(found, Some(actions), "{flows}\n{text}");
}

#[test]
fn a_trace_has_the_layout_of_the_real_one() {
    let flows = "in_port=1,tcp,tp_dst=80 actions=dec_ttl,mod_nw_src:1.2.3.4,resubmit(,3);\
                 table=3,priority=0 actions=output:2,push_vlan:0x8100,set_field:4106->vlan_vid,output:3,strip_vlan";
    let text = trace(flows, "in_port=1,tcp,tp_dst=80,nw_ttl=64");
    let flow = |src: &str, ttl: u8| {
        format!(
            "tcp,in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:00:00,nw_src={src},\
             nw_dst=0.0.0.0,nw_tos=0,nw_ecn=0,nw_ttl={ttl},nw_frag=no,tp_src=0,tp_dst=80,tcp_flags=0"
        )
    };
    let (first, last) = (flow("0.0.0.0", 64), flow("1.2.3.4", 63));
    assert!(text.starts_with(&format!(
        "Flow: {first}\n\nbridge(\"br0\")\n-------------\n 0. tcp,in_port=1,tp_dst=80, priority 32768\n    dec_ttl\n"
    )), "{text}");
    assert!(text.contains("\n 3. priority 0\n    output:2\n    push_vlan:0x8100\n"), "{text}");
    assert!(text.contains(&format!("\nFinal flow: {last}\nMegaflow: ")), "{text}");
    assert!(text.ends_with("Datapath actions: set(ipv4(src=1.2.3.4,ttl=63)),2,push_vlan(vid=10,pcp=0),3\n"), "{text}");
}

#[test]
fn actions_mean_what_they_mean_in_open_vswitch() {
    check("actions=output:1,output:9,in_port", "in_port=1", "1");
    check("tcp actions=mod_tp_dst:80,output:2", "in_port=1,tcp", "set(tcp(dst=80)),2");
    check("actions=mod_dl_src:00:00:00:00:00:05,output:2", "in_port=1,dl_src=00:00:00:00:00:05", "2");
    check("actions=load:3->reg0,output:NXM_NX_REG0[0..15],output:2", "in_port=1", "3,2");
    check("actions=push_vlan:0x88a8,output:2", "in_port=1,dl_vlan=5", "push_vlan(tpid=0x88a8,vid=0,pcp=0),2");
    check("actions=clone(push_vlan:0x8100,output:2),output:3", "in_port=1", "push_vlan(vid=0,pcp=0),2,pop_vlan,3");
    check("actions=output(port=2,max_len=64),output:3", "in_port=1", "trunc(64),2,3");
    check(
        "actions=set_queue:7,output:3,pop_queue,output:2",
        "in_port=1",
        "set(skb_priority(0x7)),3,set(skb_priority(0)),2",
    );
    check("actions=write_actions(output:2),goto_table:2;table=2 actions=clear_actions", "in_port=1", "drop");
    check("actions=resubmit(,0),output:2", "in_port=1", "drop");
    check(
        "actions=clone(mod_dl_src:00:00:00:00:00:01,output:2),output:3",
        "in_port=1",
        "set(eth(src=00:00:00:00:00:01)),2,set(eth(src=00:00:00:00:00:00)),3",
    );
    check(
        "mpls actions=pop_mpls:0x0800,output:2,dec_ttl,output:3",
        "in_port=1,mpls,mpls_label=5,mpls_bos=1,mpls_ttl=3",
        "pop_mpls(eth_type=0x800),2,recirc(0x1)",
    );
    check(
        "actions=check_pkt_larger(100)->reg0[0],resubmit(,1),output:3;table=1,reg0=1 actions=output:2",
        "in_port=1",
        "check_pkt_len(size=100,gt(2,3),le(3))",
    );
}

#[test]
fn the_copies_of_mirrors_are_told() {
    let actions = |mirror: &str, flows: &str| {
        let mut rig = Rig::new(4);
        let ports: String = (1..=3).map(|n| format!(" -- add-port br0 p{n}")).collect();
        rig.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{ports}"));
        rig.line(&format!("ovs-vsctl {mirror} -- set bridge br0 mirrors=@m"));
        rig.line("ovs-ofctl del-flows br0");
        let now = rig.now;
        rig.switch.add_flows(now, "br0", "flows", flows).unwrap_or_else(|error| panic!("{error}"));
        let text = rig.line("ovs-appctl ofproto/trace br0 in_port=1,ip");
        text.lines().find_map(|line| line.strip_prefix("Datapath actions: ")).map(str::to_owned)
    };
    let to_port = "-- --id=@p get port p3 -- --id=@m create mirror name=m output_port=@p";
    assert_eq!(actions(&format!("{to_port} select_all=true"), "actions=output:2").as_deref(), Some("3,2"));
    let all_cut = format!("{to_port} select_all=true snaplen=64");
    assert_eq!(actions(&all_cut, "actions=output:2").as_deref(), Some("trunc(64),3,2"));
    let sent = format!("-- --id=@s get port p2 {to_port} select_dst_port=@s");
    assert_eq!(
        actions(&sent, "actions=output:1,push_vlan:0x8100,output:2").as_deref(),
        Some("push_vlan(vid=0,pcp=0),2,pop_vlan,3")
    );
    let to_vlan = "-- --id=@m create mirror name=m select_all=true output_vlan=7";
    assert_eq!(actions(to_vlan, "actions=output:2").as_deref(), Some("push_vlan(vid=7,pcp=0),1,2,3,65534,pop_vlan,2"));
}

#[test]
fn with_a_frame_the_trace_goes_on_where_it_is_read_again() {
    let flows = "mpls actions=pop_mpls:0x0800,output:2,dec_ttl,output:3";
    let frame = "0200000000020200000000018847000051034500001c0000000040110000c0a80001c0a8000200010002000800000000";
    let text = trace(flows, &format!("in_port=1 {frame}"));
    let (first, behind) = text.split_once(&"=".repeat(79)).expect("it goes on");
    assert!(first.ends_with("Datapath actions: pop_mpls(eth_type=0x800),2,recirc(0x1)\n\n"), "{text}");
    assert!(behind.contains("recirc(0x1) - resume with the packet behind the labels\n"), "{text}");
    assert!(behind.contains("\nFlow: recirc_id=0x1,eth,udp,in_port=1,"), "{text}");
    assert!(behind.contains("\nMegaflow: recirc_id=0x1,eth,"), "{text}");
    assert!(behind.ends_with("\nDatapath actions: set(ipv4(ttl=63)),3\n"), "{text}");
    assert!(!trace(flows, "in_port=1,mpls,mpls_bos=1").contains("===="), "without a frame there is nothing to read");
}

#[test]
fn what_needs_connection_tracking_is_refused_in_words() {
    let mut rig = Rig::new(2);
    rig.line("ovs-vsctl add-br br0 -- add-port br0 p1");
    for words in ["br0 in_port=1,ip --ct-next trk,new", "in_port(1),ct_state(0x21),eth_type(0x0800)"] {
        let error = rig.try_line(&format!("ovs-appctl ofproto/trace {words}")).expect_err(words).to_string();
        assert!(error.contains("connection tracking"), "{error}");
    }
    rig.line("ovs-appctl ofproto/trace in_port(1),ct_state(0),ct_zone(0),recirc_id(0),eth_type(0x0800)");
    let error = rig.try_line("ovs-appctl ofproto/trace recirc_id(0x1),in_port(1)").expect_err("1").to_string();
    assert!(error.contains("recirc_id"), "{error}");
}

#[test]
fn a_list_that_resubmits_for_ever_is_given_up() {
    let text = trace("actions=output:2,resubmit(,0)", "in_port=1");
    assert!(text.contains(">>>> over max translation depth 64 <<<<"), "{text}");
    assert!(text.ends_with("Translation failed (Recursion too deep), packet is dropped.\n"), "{text}");
}
