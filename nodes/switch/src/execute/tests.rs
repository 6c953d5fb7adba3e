//! Programs on a bridge of four ports, the last of which is down: what is sent, and what is dropped.

use super::*;
use crate::program::{Parts, Select};
use crate::rewrite::Bits;
use flow_table::Tables;
use openflow::{Band, BandKind, Controller, Meter, MeterMod, MeterUnit, PacketInReason, Sample, SampleDirection};
use packet::{FlowKey, compose};

/// What became of a frame: ports and bytes, reasons.
type Outcome = (Vec<(u32, Vec<u8>)>, Vec<DropReason>);

struct Bridge {
    plan: Plan,
    shared: Shared,
    ports: Vec<PortState>,
    pool: Pool,
    out: Outbox,
    now: Time,
}

impl Bridge {
    fn new() -> Self {
        let port = |slot: u16| {
            let lab = Some(PortIx(slot.into()));
            let up = lab.filter(|_| slot < 3);
            PortPlan {
                ofport: slot + 1,
                bundle: slot,
                tx: up,
                link: up,
                lab,
                is_floodable: true,
                ..PortPlan::default()
            }
        };
        let mut plan = Plan::default();
        plan.ports = (0..4).map(port).collect();
        plan.order_floods();
        let mut ports: Vec<PortState> = Vec::new();
        ports.resize_with(4, PortState::default);
        ports.iter_mut().zip(0..).for_each(|(port, slot)| port.follow(&plan, slot, false));
        Self { plan, shared: Shared::new(0, 1), ports, pool: Pool::new(), out: Outbox::default(), now: Time::ZERO }
    }

    fn run(&mut self, program: &Program, bytes: &[u8]) -> Outcome {
        let frame = self.pool.copied(bytes);
        let Self { plan, shared, ports, pool, out, now } = self;
        Execution::new(plan, shared, *now, PortIx(0), 0, ports, pool, out).run(program, frame);
        let sent = self.out.take_frames().map(|(port, frame)| (port.0, frame.to_vec())).collect();
        let dropped = self.out.take_drops().map(|(why, _)| why.reason).collect();
        assert_eq!(self.pool.live(), 0, "no frame is kept");
        (sent, dropped)
    }
}

fn program(ops: &[Op]) -> Program {
    Program::new(ops.to_vec(), DropReason::FlowDrop, Vec::new())
}

fn with_parts(ops: &[Op], parts: Parts) -> Program {
    let mut program = program(ops);
    program.parts = Some(Box::new(parts));
    program
}

fn udp() -> Vec<u8> {
    compose(&FlowKey::parse_with("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=1,udp_dst=2", &|_| None).unwrap())
}

fn ports((sent, dropped): &Outcome) -> (Vec<u32>, &[DropReason]) {
    (sent.iter().map(|(port, _)| *port).collect(), dropped)
}

#[test]
fn a_frame_that_goes_somewhere_is_no_drop_and_one_that_goes_nowhere_is_one() {
    let mut bridge = Bridge::new();
    let outcome = bridge.run(&program(&[Op::Output(3), Op::Output(1), Op::Output(3)]), &udp());
    assert_eq!(ports(&outcome), (vec![1], &[][..]));
    assert_eq!(bridge.ports[3].counters().tx_dropped, 2);
    let outcome = bridge.run(&program(&[Op::Output(3), Op::Drop(DropReason::FlowDrop)]), &udp());
    assert_eq!(ports(&outcome), (vec![], &[DropReason::PortDown][..]));
    for ops in [&[Op::Output(3)][..], &[Op::Output(3), Op::Output(3)]] {
        assert_eq!(ports(&bridge.run(&program(ops), &udp())), (vec![], &[DropReason::PortDown][..]));
    }
    assert_eq!(ports(&bridge.run(&program(&[]), &udp())), (vec![], &[DropReason::FlowDrop][..]));
    assert_eq!(ports(&bridge.run(&program(&[Op::Everywhere { floodable_only: true }]), &udp())), (vec![1, 2], &[][..]));
}

#[test]
fn what_is_written_after_an_output_is_not_in_it() {
    let mut bridge = Bridge::new();
    let set = Op::Set(Bits { word: 3, value: 9 << 16, mask: 0xffff << 16 });
    let (sent, _) = bridge.run(&program(&[Op::Output(1), set, Op::Output(2)]), &udp());
    let ports = [&sent[0], &sent[1]].map(|(port, bytes)| (*port, FlowKey::extract(0, bytes).tp_dst()));
    assert_eq!(ports, [(1, 2), (2, 9)]);
}

#[test]
fn a_cut_is_for_the_next_output_alone() {
    let mut bridge = Bridge::new();
    let (sent, _) = bridge.run(&program(&[Op::Truncate(20), Op::Output(1), Op::Output(2)]), &udp());
    assert_eq!(sent.iter().map(|(_, bytes)| bytes.len()).collect::<Vec<_>>(), [20, 42]);
}

#[test]
fn a_clone_changes_its_own_frame() {
    let mut bridge = Bridge::new();
    let set = Op::Set(Bits { word: 3, value: 9 << 16, mask: 0xffff << 16 });
    let parts = Parts { programs: vec![program(&[set, Op::Output(1)])], ..Parts::default() };
    let (sent, dropped) = bridge.run(&with_parts(&[Op::Clone(0), Op::Output(2)], parts), &udp());
    assert_eq!(sent.iter().map(|(_, bytes)| FlowKey::extract(0, bytes).tp_dst()).collect::<Vec<_>>(), [9, 2]);
    assert!(dropped.is_empty());
}

#[test]
fn a_length_and_a_hash_choose() {
    let mut bridge = Bridge::new();
    let programs = vec![program(&[Op::Output(1)]), program(&[Op::Output(2)])];
    let parts = Parts { programs: programs.clone(), ..Parts::default() };
    let by_length = |than| with_parts(&[Op::IfLonger { than, longer: 0, others: 1 }], parts.clone());
    assert_eq!(ports(&bridge.run(&by_length(41), &udp())).0, [1]);
    assert_eq!(ports(&bridge.run(&by_length(42), &udp())).0, [2]);
    let selects = vec![Select { basis: 0, programs: [0, 1].into() }];
    let by_hash = with_parts(&[Op::Select(0)], Parts { programs, selects, ..Parts::default() });
    let mut taken = [0; 3];
    for port in 0..100_u8 {
        let mut bytes = udp();
        bytes[35] = port;
        let first = bridge.run(&by_hash, &bytes);
        assert_eq!(first, bridge.run(&by_hash, &bytes), "a connection stays with its bucket");
        taken[ports(&first).0[0] as usize] += 1;
    }
    assert!(taken[1] > 30 && taken[2] > 30, "{taken:?}");
}

#[test]
fn a_meter_ends_what_is_too_much() {
    let mut bridge = Bridge::new();
    let bands = vec![Band { kind: BandKind::Drop, rate: 1, burst: 2 }];
    let meter = Meter { id: 7, unit: MeterUnit::Pktps, burst: true, stats: true, bands };
    let add = |tables: &mut Tables| tables.apply_meter(Time::ZERO, &MeterMod::Add(meter)).map(drop);
    bridge.shared.change_tables(add).unwrap();
    let metered = program(&[Op::Meter(7), Op::Output(1)]);
    let outcomes: Vec<_> = (0..3).map(|_| bridge.run(&metered, &udp())).collect();
    assert_eq!(outcomes.iter().map(|outcome| outcome.0.len()).collect::<Vec<_>>(), [1, 1, 0]);
    assert_eq!(outcomes[2].1, [DropReason::Meter]);
    // What went out before isn't taken back.
    let late = program(&[Op::Output(2), Op::Meter(7), Op::Output(1)]);
    assert_eq!(ports(&bridge.run(&late, &udp())), (vec![2], &[][..]));
    assert_eq!(ports(&bridge.run(&program(&[Op::Meter(8), Op::Output(1)]), &udp())).0, [1]);
}

#[test]
fn a_frame_for_controllers_waits_if_one_listens_and_is_a_drop_if_not() {
    let mut bridge = Bridge::new();
    let controller = |reason| Controller { max_len: 20, reason, id: 3, userdata: vec![], pause: false, meter: None };
    let to = |reason| {
        let parts = Parts { controllers: vec![controller(reason)], ..Parts::default() };
        move |ops: &[Op]| with_parts(ops, parts.clone())
    };
    let told = to(PacketInReason::Action);
    let nobody = bridge.run(&told(&[Op::Controller(0)]), &udp());
    assert_eq!(ports(&nobody), (vec![], &[DropReason::NoListener][..]));
    assert_eq!(ports(&bridge.run(&told(&[Op::Controller(0), Op::Output(1)]), &udp())), (vec![1], &[][..]));
    bridge.shared.packet_ins.set_listening(true);
    assert_eq!(ports(&bridge.run(&told(&[Op::Controller(0)]), &udp())), (vec![], &[][..]));
    let waiting = bridge.shared.packet_ins.take();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].in_port, waiting[0].total_len, &waiting[0].bytes[..]), (1, 42, &udp()[..20]));
    // Who is told why a frame dies doesn't have it.
    let expired = to(PacketInReason::InvalidTtl)(&[Op::Controller(0), Op::Drop(DropReason::TtlExpired)]);
    assert_eq!(ports(&bridge.run(&expired, &udp())), (vec![], &[DropReason::TtlExpired][..]));
    bridge.shared.packet_ins.set_listening(false);
    assert_eq!(ports(&bridge.run(&expired, &udp())), (vec![], &[DropReason::TtlExpired][..]));
}

#[test]
fn a_sample_is_counted_and_no_end() {
    let mut bridge = Bridge::new();
    let sample = Sample {
        probability: 65_535,
        collector_set_id: 1,
        obs_domain_id: 0,
        obs_point_id: 0,
        sampling_port: 0xffff,
        direction: SampleDirection::Default,
    };
    let parts = Parts { samples: vec![sample], ..Parts::default() };
    assert_eq!(ports(&bridge.run(&with_parts(&[Op::Sample(0), Op::Output(1)], parts.clone()), &udp())).0, [1]);
    assert_eq!(ports(&bridge.run(&with_parts(&[Op::Sample(0)], parts), &udp())).1, [DropReason::FlowDrop]);
    assert_eq!(bridge.shared.packet_ins.sampled(), 2);
}

#[test]
fn labels_and_tags_come_and_go() {
    let mut bridge = Bridge::new();
    let push = Op::PushMpls { ethertype: 0x8847, lse: 0x0001_0140 };
    let (sent, _) = bridge.run(&program(&[push, Op::Output(1), Op::PopMpls(0x0800), Op::Output(2)]), &udp());
    assert_eq!(FlowKey::extract(0, &sent[0].1).to_string().split(',').next(), Some("mpls"));
    assert_eq!(sent[1].1, udp());
}
