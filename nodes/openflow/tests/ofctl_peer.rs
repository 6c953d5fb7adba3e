//! The normal form of flows beside that of Open vSwitch's `ovs-ofctl parse-flow`. Needs `ovs`.

use std::process::Command;

use openflow::Flow;

/// Flows that OpenFlow 1.0 can say.
const FLOWS_10: &[&str] = &[
    "priority=100,udp,tp_dst=53,actions=output:2",
    "actions=drop",
    "actions=",
    "table=3,cookie=0x5,idle_timeout=10,hard_timeout=20,in_port=1 actions=mod_vlan_vid:10,output:2",
    "actions=strip_vlan,NORMAL",
    "actions=flood,all,local,in_port,LOCAL",
    "ip,actions=mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:4,dec_ttl,1",
    "tcp,actions=mod_tp_src:80,mod_tp_dst:90,normal",
    "actions=mod_dl_src:00:11:22:33:44:55,mod_dl_dst:1:2:3:4:5:6",
    "actions=mod_vlan_pcp:3,2",
    "actions=set_vlan_vid:0xa",
    "actions=1,,2",
    "actions=output:in_port",
    "actions=mod_vlan_vid(10),output(2)",
    "actions=OUTPUT:3,NorMal",
    "actions=output:2 , 3",
    "actions=65534,0",
    "in_port=1 ip actions=2",
    "duration=5,n_packets=3,actions=1",
    "priority=0x10,arp actions=1",
    "priority=010 actions=1",
    "priority=1,priority=5 action=1",
    "in_port=LOCAL,actions=1",
    "cookie=18446744073709551614,priority=0 actions=1",
    "dl_vlan=5,dl_src=00:11:22:33:44:55/ff:ff:00:00:00:00,actions=pop_vlan,2",
    "actions=set_field:00:11:22:33:44:55->dl_src",
    "ip,actions=set_field:1.2.3.4->nw_src,set_field:1.2.3.4->ip_dst",
    "tcp,actions=set_field:80->tcp_src,set_field:90->tcp_dst",
    "ip,actions=set_field:4->nw_tos",
    "actions=set_field:5->reg0,set_field:0x5/0x5->reg0,set_field:0/0xf->reg0,set_field:0xf5/0xf->reg0",
    "actions=set_field:5/0->reg0",
    "actions=set_field:0x123456789abcdef0123456789abcdef0->xxreg0,set_field:0x10/0xf0->xxreg0,set_field:7->xreg1",
    "actions=load:0x5->xxreg0[0..3],load:0x5->xxreg0[],load:010->reg0,load:15->reg0[28..31],load:0->NXM_NX_REG0[1]",
    "ipv6,actions=set_field:fe80::1->ipv6_src,set_field:5->ipv6_label",
    "ip,actions=set_field:4->nw_tos,set_field:1->ip_dscp,set_field:1->nw_ecn,set_field:3->nw_ttl",
    "sctp,actions=set_field:80->sctp_src",
    "icmp,actions=set_field:3->icmp_type,set_field:3->icmp_code",
    "icmp6,icmp_type=135,actions=set_field:fe80::1->nd_target,set_field:00:00:00:00:00:01->nd_sll",
    "arp,actions=set_field:1->arp_op,set_field:1.2.3.4->arp_spa,set_field:1.2.3.4->arp_tpa,load:5->arp_sha,move:arp_sha->arp_tha",
    "actions=set_field:5->tun_id,set_field:5->metadata,set_field:1.2.3.4->tun_src,set_field:5->pkt_mark",
    "actions=set_tunnel:5,set_tunnel64:0x123456789,set_tunnel:0x123456789,set_tunnel:0",
    "actions=set_field:5->in_port,set_field:LOCAL->in_port,load:5->in_port",
    "actions=move:reg0->reg1,move:NXM_NX_REG0[0..15]->NXM_OF_VLAN_TCI[],push:reg0,push:eth_src[0..3],pop:reg3[2]",
    "actions=push:OXM_OF_ETH_DST[0],push:NXM_OF_ETH_DST,push:eth_dst,push:dl_dst,push:in_port_oxm,push(reg0)",
    "ip,actions=push:ip_src,pop:ip_src,push:nw_tos,push:ip_dscp,push:nw_tos[0..3],move:ip_dscp->reg0[0..5]",
    "actions=load:5->vlan_tci,load:5->NXM_OF_VLAN_TCI[0..11],push:vlan_vid",
    "dl_vlan=4,actions=push:vlan_vid,push:vlan_pcp[0..1],move:vlan_pcp->reg0[0..2]",
    "tcp,actions=push:tcp_flags,push:nw_frag,push:tp_src,push:tcp_dst",
    "actions=resubmit:1,resubmit(,3),resubmit(1,),resubmit(1,3),resubmit(in_port,3),resubmit(LOCAL,2),resubmit(1),resubmit(none,2)",
    "ct_state=+trk+est,ip,actions=resubmit(,3,ct)",
    "actions=resubmit:1,2",
    "actions=output:reg0,output:reg0[],output:reg0[0..15],output:NXM_OF_IN_PORT[],output:eth_src[0..15],output(reg1[0..3])",
    "actions=output(port=1,max_len=100),output(max_len=100,port=2),output(port=local,max_len=14),output(port=in_port,max_len=99999)",
    "actions=output:controller,controller,controller:100,controller(max_len=100),controller:0,controller()",
    "actions=controller(id=5),controller(reason=no_match,id=5,max_len=3),controller(userdata=01.02.0304),controller(pause)",
    "actions=controller(userdata=aa,pause,meter_id=3),controller(userdata=),controller(meter_id=3)",
    "actions=controller(reason=no_match),controller(reason=invalid_ttl)",
    "actions=controller(reason=action_set,pause),controller(reason=group,pause),controller(reason=packet_out,pause)",
    "actions=output:table,output:local,output:in_port,output:flood,TABLE,65528,4294967294,output:4294967290,65279",
    "actions=enqueue:1:2,enqueue(1,2),enqueue(1:2),enqueue:1:0x5,enqueue(1, 2),enqueue:LOCAL:3,enqueue:in_port:3",
    "actions=set_queue:5,pop_queue,set_queue:0xffffffff",
    "actions=group:5,group:0",
    "actions=bundle(eth_src,0,hrw,ofport,members:4,8),bundle(symmetric_l4,5,active_backup,ofport,slaves:1,2,3)",
    "actions=bundle_load(eth_src,0,hrw,ofport,reg0[0..15],members:4,8),bundle(eth_src,0,hrw,ofport,members:4 8)",
    "actions=bundle_load(symmetric_l3l4+udp,0,hrw,ofport,NXM_NX_REG0[],members:),bundle(nw_src,0,hrw,ofport,members:)",
    "actions=multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]),multipath(symmetric_l3,0,modulo_n,16,0,reg0[0..3])",
    "actions=multipath(symmetric_l4, 1024, hash_threshold, 256, 0, reg1[0..7]),multipath(nw_src,0,iter_hash,3,5,reg1)",
    "actions=multipath(nw_dst,0,hrw,65536,0,reg1),multipath(symmetric_l3l4,0,hrw,65536,0,reg1)",
    "actions=write_metadata:5/0xff",
    "actions=write_metadata:0x5/0xffffffffffffffff",
    "actions=clone(output:1,clone(output:2)),clone(),clone(drop)",
    "actions=push_mpls:0x8847,set_mpls_label:5,set_mpls_tc:3,set_mpls_ttl:4,dec_mpls_ttl,set_field:5->mpls_label,pop_mpls:0x800",
    "mpls,actions=pop_mpls:0x800,set_field:1.2.3.4->ip_src",
    "mpls,actions=pop_mpls:0x8847,set_field:5->mpls_label,set_field:3->mpls_tc,load:3->mpls_ttl",
    "actions=set_mpls_label:5,pop_mpls:0x800",
    "actions=dec_ttl,dec_ttl(1,2),dec_ttl(3),dec_ttl(),dec_ttl(0)",
    "actions=conjunction(5,1/2),conjunction(0x10,2/3),note:11",
    "actions=conjunction(5,64/64)",
    "actions=note:,note:11.22,note:112233445566778899,note",
    "actions=sample(probability=5),sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=1,ingress)",
    "actions=sample(probability=5,egress)",
    "tcp,actions=fin_timeout(idle_timeout=5,hard_timeout=6),fin_timeout(),fin_timeout(idle_timeout=3)",
    "actions=exit,output:1",
    "actions=check_pkt_larger(1500)->reg0[0],check_pkt_larger(100)->NXM_NX_REG0[1]",
    "actions=drop,drop",
    "actions=output=1,output(2),mod_vlan_vid=4,pop_vlan()",
    "actions=learn(table=1),learn(),learn",
    "ip,actions=learn(eth_type=0x800,ip_dst=ip_src,ip_src[0..7]=5,NXM_OF_IP_DST[])",
    "ip,actions=learn(eth_type=0x800,ip_dst[0..7]=ip_src[8..15],ip_dst[0..7]=ip_dst[0..7],ip_dst[0..7])",
    "actions=learn(in_port=3,eth_dst=00:00:00:00:00:01,reg0=5,metadata=7,tun_id=5,xxreg0=0x7,eth_type=0x86dd)",
    "actions=learn(priority=5 table=4 output:reg0[0..15])",
    "actions=learn(in_port=LOCAL,load:eth_src->eth_dst,output:in_port_oxm),learn(load:0x0->reg0)",
    "actions=learn(eth_type=0x800,load:0x1020304->ip_src,load:7->NXM_OF_IP_TOS[])",
    "actions=learn(NXM_OF_ETH_SRC[],NXM_OF_ETH_SRC,eth_src,eth_src[],eth_src[]=eth_dst)",
    "actions=learn(xxreg0[0..100]=0x7,load:0x7->xxreg0,conj_id=3,cookie=0xffffffffffffffff)",
    "actions=clone(learn(table=2,eth_dst=eth_src,output:in_port)),group:3",
    "tcp,actions=learn(table=3,idle_timeout=5,hard_timeout=6,fin_idle_timeout=2,fin_hard_timeout=3,priority=7,cookie=0x8,send_flow_rem,delete_learned,limit=9,result_dst=reg0[3],eth_type=0x800,nw_proto=6,ip_dst=ip_src,tcp_dst=tcp_src,load:5->reg0[0..3],load:reg1->reg2,output:in_port)",
    "actions=learn(table=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15])",
    "actions=learn(vlan_tci=5,vlan_tci[0..11]=3,reg0=0,reg1[0..3]=0,load:0->reg2)",
];

/// Flows with actions that came with OpenFlow 1.1.
const FLOWS_13: &[&str] = &[
    "actions=push_vlan:0x8100,set_field:4100->vlan_vid,output:1",
    "actions=push_vlan:0x88a8,set_field:4100->vlan_vid,set_field:7->vlan_pcp,all",
    "dl_vlan=5,actions=set_field:4106->vlan_vid,1",
    "dl_vlan=5,priority=7,actions=set_field:0x1006->vlan_vid,set_field:3->vlan_pcp,1",
    "actions=push_vlan:33024,1",
    "actions=write_actions(output:3)",
    "actions=output:1,clear_actions,write_actions(output:3,group:2),write_metadata:0x5,goto_table:7",
    "actions=meter:1,output:2,goto_table:3",
    "actions=write_actions(resubmit(,3))",
    "actions=write_actions(dec_ttl(1,2),NORMAL,FLOOD,CONTROLLER:65535)",
    "actions=write_actions(pop_mpls:0x0800,push_mpls:0x8847,push_vlan:0x8100)",
    "actions=write_actions(move:reg0->reg1,load:3->reg2[0..1])",
    "actions=push_vlan:0x8100,push_vlan:0x8100",
    "actions=goto_table:1",
    "dl_vlan=7,actions=set_field:8/0xff->vlan_tci,2",
];

/// Flows that both refuse.
const WRONG: &[&str] = &[
    "actions",
    "priority=5",
    "actions=foo",
    "actions=output:foo",
    "actions=output:70000",
    "actions=65280",
    "actions=mod_vlan_vid:5000",
    "actions=mod_vlan_vid",
    "actions=mod_vlan_pcp:8",
    "actions=mod_nw_tos:3",
    "actions=mod_dl_src:1",
    "actions=push_vlan:0x1234,1",
    "actions=drop,1",
    "actions=set_field:1->foo",
    "actions=set_field:1",
    "actions=set_field:10->vlan_vid",
    "actions=set_field:80->tcp_src",
    "dl_vlan=5,actions=strip_vlan,set_field:6->vlan_vid",
    "priority=70000,actions=1",
    "priority=x,actions=1",
    "priority,actions=1",
    "table=300,actions=1",
    "cookie=0x10/0xff,actions=1",
    "idle_timeout=70000,actions=1",
    "foo=1,actions=1",
    "actions=load:0x15->reg0[0..3]",
    "actions=move:reg0[0..3]->reg1[0..4]",
    "actions=resubmit(,)",
    "actions=resubmit()",
    "actions=resubmit",
    "actions=resubmit:in_port",
    "actions=resubmit:p1",
    "actions=resubmit(1 2)",
    "actions=resubmit(,256)",
    "actions=resubmit(,3,foo)",
    "actions=reg0",
    "actions=output:1(max_len=60)",
    "actions=output(port=1,max_len=10)",
    "actions=output(port=controller,max_len=100)",
    "actions=output(port=normal,max_len=99)",
    "actions=output(port=1)",
    "actions=output:any",
    "actions=output:none",
    "actions=none",
    "actions=output:0xffff",
    "actions=65400",
    "actions=output:CONTROLLER:100",
    "actions=controller(userdata=0)",
    "actions=controller(userdata=0102 03)",
    "actions=controller(reason=foo)",
    "actions=controller(reason=2)",
    "actions=controller(foo=3)",
    "actions=controller:65536",
    "actions=enqueue:1,2",
    "actions=enqueue:1",
    "actions=enqueue:flood:3",
    "actions=group:all",
    "actions=push:foo",
    "actions=push:reg0[0..40]",
    "actions=push:reg0[3..1]",
    "actions=push:reg0[",
    "actions=push:reg0]",
    "actions=push:reg0[1",
    "actions=push:reg0[1..]",
    "actions=push:reg0[0..0x10]",
    "actions=push:REG0",
    "actions=push:ip_src",
    "actions=push:dl_vlan",
    "actions=pop:dl_type",
    "actions=load:1->nw_proto",
    "ip,actions=load:1->nw_proto",
    "ip,actions=set_field:1->ip_proto",
    "actions=set_field:1->dl_type",
    "actions=set_field:1->ct_mark",
    "actions=load:1->ct_state",
    "actions=load:-1->reg0",
    "actions=load:foo->reg0",
    "actions=load:5",
    "actions=load:->reg0",
    "actions=set_field:5->reg0[0..3]",
    "actions=set_field:5->reg0[]",
    "actions=set_field:5->NXM_NX_REG0",
    "actions=set_field:->reg0",
    "actions=load:5->OXM_OF_VLAN_PCP[]",
    "actions=check_pkt_larger(70000)->reg0[0]",
    "actions=check_pkt_larger(1500)->reg0",
    "actions=multipath(eth_src,50,modulo_n,0,0,reg0)",
    "actions=multipath(eth_src,50,modulo_n,17,0,reg0[0..3])",
    "actions=multipath(eth_src,50,modulo_n,1,0)",
    "actions=bundle(eth_src,0,hrw,foo,members:1)",
    "actions=bundle_load(eth_src,0,hrw,ofport,reg0[0..3],members:1)",
    "actions=mod_nw_ecn:4",
    "actions=mod_nw_ecn:1",
    "actions=mod_nw_tos:256",
    "table=3,actions=goto_table:2",
    "actions=goto_table:2,output:1",
    "actions=output:1,meter:3",
    "actions=meter:0,output:1",
    "actions=meter:1,meter:2",
    "actions=write_actions(output:3),output:2",
    "actions=output:2,write_actions(output:3),clear_actions",
    "actions=goto_table:7,write_metadata:5",
    "actions=write_metadata:5,write_metadata:0x10",
    "actions=clear_actions,clear_actions",
    "actions=apply_actions(output:1)",
    "actions=write_actions(set_field:1.2.3.4->ip_src)",
    "actions=write_actions(goto_table:3)",
    "actions=write_actions(write_actions(output:1))",
    "actions=write_actions(meter:1)",
    "actions=write_actions(learn(table=1))",
    "actions=write_actions(controller(id=3))",
    "actions=write_actions(enqueue:1:2)",
    "actions=write_actions(clone(output:1))",
    "actions=write_actions(exit)",
    "actions=write_actions(note:11)",
    "actions=write_actions(push:reg0)",
    "actions=write_actions(bundle(eth_src,0,hrw,ofport,members:4,8))",
    "actions=write_actions(multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[]))",
    "actions=write_actions(set_queue:1,pop_queue)",
    "actions=write_actions(conjunction(1,1/2))",
    "actions=write_actions(fin_timeout(idle_timeout=3))",
    "actions=write_actions(sample(probability=3))",
    "actions=write_actions(output:reg0)",
    "actions=write_actions(output(port=1,max_len=100))",
    "actions=write_actions(check_pkt_larger(100)->reg0[0])",
    "actions=write_actions(set_field:4102->vlan_vid)",
    "actions=clone(goto_table:2)",
    "actions=clone(meter:2)",
    "actions=clone(push_vlan:0x8100),set_field:4102->vlan_vid",
    "actions=push_vlan:0x8100,push_vlan:0x8100,push_vlan:0x8100",
    "dl_vlan=3,actions=push_vlan:0x8100,push_vlan:0x8100",
    "actions=set_field:5->mpls_label",
    "ip,actions=push_mpls:0x8847,set_field:1.2.3.4->ip_src",
    "actions=conjunction(5,1/2),output:1",
    "actions=conjunction(1,1/2),goto_table:3",
    "actions=conjunction(5,3/2)",
    "actions=conjunction(5,0/2)",
    "actions=conjunction(5,1/1)",
    "actions=conjunction(5,1/65)",
    "actions=conjunction(5)",
    "actions=note:1",
    "actions=note:xy",
    "actions=sample(collector_set_id=3)",
    "actions=sample(probability=0)",
    "actions=sample(probability=5,foo)",
    "actions=fin_timeout(foo=3)",
    "actions=ct(commit)",
    "actions=nat",
    "actions=unroll_xlate(table=1, cookie=5)",
    "actions=drop(),output:1",
    "actions=foo(3)",
    "actions=output:1;2",
    "ip,actions=learn(dl_type=0x800,nw_src=1.2.3.4/24)",
    "actions=learn(ip_src=1.2.3.4)",
    "actions=learn(eth_type=0x800,ip_dst=ip_src)",
    "actions=learn(eth_dst=eth_src[0..10])",
    "actions=learn(foo=3)",
    "actions=learn(tcp)",
    "actions=learn(table=255)",
    "actions=learn(load:5->foo)",
    "actions=learn(load:5)",
    "actions=learn(load:50->reg0[0..3])",
    "actions=learn(load:00:00:00:00:00:01->eth_src)",
    "actions=learn(result_dst=reg0)",
    "actions=learn(load:5->ip_src)",
    "actions=learn(load:reg0[0..3]->reg1[0..4])",
    "actions=learn(output:foo)",
    "actions=learn(load:1->nw_proto)",
    "actions=learn(table=1)foo",
    "actions=learn(tcp_dst=80)",
    "actions=learn(eth_type=0x800,ip_proto=6,tcp_dst=80,udp_dst=3)",
    "actions=learn(arp_op=1)",
    "actions=learn(vlan_pcp=3)",
    "actions=learn(dl_vlan=3)",
];

/// Was `peer` promised to this run (`NETLOOM_TEST_WITH`)? Else the test says that it is left out.
fn needs(peer: &str) -> bool {
    let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let found = promised.split_whitespace().any(|name| name == peer);
    if !found {
        println!("left out: needs {peer}");
    }
    found
}

/// What the original prints of flows in a file, one a line.
fn original(version: &str, flows: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().expect("the directory for temporary files can be written");
    let file = dir.path().join("flows");
    std::fs::write(&file, flows.join("\n") + "\n").expect("it can be written");
    let output = Command::new("ovs-ofctl").args(["-O", version, "parse-flows"]).arg(file).output();
    let output = output.expect("Open vSwitch was promised: ovs-ofctl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let flows = text.lines().filter_map(|line| line.split_once(": ADD "));
    // If one flow names a table, the others say that they name none.
    flows.map(|(_, flow)| flow.strip_prefix("table:255 ").unwrap_or(flow).to_owned()).collect()
}

/// Does the original take a flow? It takes some that it can't read back from its own message.
fn takes(version: &str, flow: &str) -> bool {
    let output = Command::new("ovs-ofctl").args(["-O", version, "parse-flow", flow]).output();
    let output = output.expect("Open vSwitch was promised: ovs-ofctl runs");
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains(": ADD ")
}

/// Our flow in the form of OpenFlow messages, which differs from that of dumps.
fn ours(text: &str) -> String {
    let flow = Flow::parse(text, &|_| None).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut words = Vec::new();
    if flow.table != 0 {
        words.push(format!("table:{}", flow.table));
    }
    let bare = Flow { table: 0, cookie: 0, idle_timeout: 0, hard_timeout: 0, ..flow.clone() }.to_string();
    let (matched, actions) = bare.split_once("actions=").unwrap();
    words.extend(Some(matched.trim().to_owned()).filter(|matched| !matched.is_empty()));
    let numbers = [("idle", u64::from(flow.idle_timeout)), ("hard", u64::from(flow.hard_timeout))];
    if flow.cookie != 0 {
        words.push(format!("cookie:{:#x}", flow.cookie));
    }
    words.extend(numbers.iter().filter(|(_, n)| *n != 0).map(|(word, n)| format!("{word}:{n}")));
    words.push(format!("actions={actions}"));
    words.join(" ")
}

#[test]
fn the_normal_form_is_that_of_ovs_ofctl() {
    if !needs("ovs") {
        return;
    }
    for (version, flows) in [("OpenFlow10", FLOWS_10), ("OpenFlow13", FLOWS_13)] {
        let originals = original(version, flows);
        assert_eq!(originals.len(), flows.len(), "one line a flow");
        for (flow, original) in flows.iter().zip(originals) {
            assert_eq!(ours(flow), original, "{flow}");
        }
    }
}

#[test]
fn what_ovs_ofctl_refuses_is_refused() {
    if !needs("ovs") {
        return;
    }
    for flow in WRONG {
        // An action set needs OpenFlow 1.1.
        let version = if flow.contains("write_actions(") { "OpenFlow13" } else { "OpenFlow10,OpenFlow13" };
        assert!(!takes(version, flow), "{flow}");
    }
}

#[test]
fn what_ovs_ofctl_reads_is_read_and_printed_as_it_is_read() {
    for flow in FLOWS_10.iter().chain(FLOWS_13) {
        let read = Flow::parse(flow, &|_| None).unwrap_or_else(|error| panic!("{flow}: {error}"));
        assert_eq!(Flow::parse(&read.to_string(), &|_| None), Ok(read), "{flow}");
    }
    for flow in WRONG {
        assert!(Flow::parse(flow, &|_| None).is_err(), "{flow}");
    }
}
