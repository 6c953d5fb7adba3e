//! The engine driven with the smallest nodes that show its order, its drops and its clocks.

use sim_core::{
    Batch, Carrier, Cx, DirectionConfig, Drop, DropReason, DropSite, Duration, Engine, Frame, LinkConfig, LinkIx, Node,
    NodeIx, Paced, PacedStop, PortIx, Probability, Seed, Seen, Stop, Tag, Time, Until, WallClock, Watch, Woken,
};

/// A node that writes down what happens to it.
#[derive(Default)]
struct Probe {
    log: Vec<(u64, String)>,
    wake_at: Option<Time>,
    /// Sends what comes in on a port out of this one.
    relay: Option<PortIx>,
    refuse: bool,
}

impl Probe {
    fn note(&mut self, cx: &Cx<'_>, what: String) {
        self.log.push((cx.now.as_nanos(), what));
    }
}

impl Node for Probe {
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        for frame in batch.drain() {
            self.note(cx, format!("{} bytes on {port}", frame.len()));
            if self.refuse {
                cx.out.drop(frame, Drop::at(port, DropReason::Malformed));
            } else if let Some(out) = self.relay {
                cx.out.send(out, frame);
            } else if frame.tag() != Tag::NONE {
                cx.out.notice(frame.tag());
            }
        }
    }

    fn carrier(&mut self, cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        self.note(cx, format!("{port} {state:?}"));
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        self.wake_at = None;
        self.note(cx, "wake".into());
    }

    fn next_wake(&self) -> Time {
        self.wake_at.unwrap_or(Time::NEVER)
    }
}

/// What a watch saw: time, length, killed for, arrived.
#[derive(Default)]
struct Sights {
    seen: Vec<(u64, usize, Option<DropReason>, bool)>,
    dropped: Vec<(NodeIx, DropReason, bool)>,
}

impl Watch<Probe> for Sights {
    fn seen(&mut self, seen: &Seen<'_>) {
        self.seen.push((seen.now.as_nanos(), seen.frame.len(), seen.killed.map(|(reason, _)| reason), seen.arrived));
    }

    fn dropped(&mut self, _: Time, site: DropSite, drop: &Drop, _: &Frame, node: Option<&Probe>) {
        self.dropped.push((site.node, drop.reason, node.is_some()));
    }
}

const P0: PortIx = PortIx(0);
const P1: PortIx = PortIx(1);

fn plain(delay: u64) -> LinkConfig {
    let direction = DirectionConfig { delay: Duration::from_nanos(delay), rate: 0, ..DirectionConfig::default() };
    LinkConfig { forward: direction.clone(), backward: direction, down: false }
}

/// Two nodes and a link of 100 ns.
fn pair() -> (Engine<Probe, Sights>, NodeIx, NodeIx, LinkIx) {
    let mut engine = Engine::new(Seed(1), Sights::default());
    let a = engine.add_node("a", Probe::default());
    let b = engine.add_node("b", Probe::default());
    let link = engine.add_link("a:0 b:0", (a, P0), (b, P0), &plain(100));
    engine.start();
    (engine, a, b, link)
}

fn send(engine: &mut Engine<Probe, Sights>, node: NodeIx, len: usize, tag: u32) {
    engine.act(node, |_, cx| {
        let mut frame = cx.pool.zeroed(len);
        frame.set_tag(Tag(tag));
        cx.out.send(P0, frame);
    });
}

#[test]
fn a_frame_arrives_after_the_links_delay_and_both_ends_saw_the_carrier() {
    let (mut engine, a, b, _) = pair();
    send(&mut engine, a, 60, 0);
    assert_eq!(engine.run(Until::Through(Time::from_nanos(99))), Stop::Reached);
    assert_eq!(engine.node(b).log, [(0, "0 Up".into())]);
    engine.run(Until::Through(Time::from_nanos(100)));
    assert_eq!(engine.node(b).log[1], (100, "60 bytes on 0".into()));
    assert_eq!(engine.node(a).log, [(0, "0 Up".into())]);
}

#[test]
fn at_one_instant_acts_come_first_then_frames_then_timers() {
    let (mut engine, a, b, _) = pair();
    engine.act(b, |node, _| node.wake_at = Some(Time::from_nanos(100)));
    send(&mut engine, a, 60, 0);
    engine.run(Until::Before(Time::from_nanos(100)));
    assert_eq!(engine.now(), Time::from_nanos(100));
    engine.act(b, |node, cx| node.note(cx, "act".into()));
    engine.run(Until::Through(Time::from_nanos(100)));
    let order: Vec<&str> = engine.node(b).log[1..].iter().map(|(_, what)| what.as_str()).collect();
    assert_eq!(order, ["act", "60 bytes on 0", "wake"]);
}

#[test]
fn a_timer_that_moves_later_wakes_its_node_once_and_on_time() {
    let (mut engine, a, ..) = pair();
    engine.act(a, |node, _| node.wake_at = Some(Time::from_nanos(50)));
    engine.act(a, |node, _| node.wake_at = Some(Time::from_nanos(70)));
    engine.run(Until::Through(Time::from_secs(1)));
    assert_eq!(engine.node(a).log[1..], [(70, "wake".into())]);
}

#[test]
fn a_link_that_goes_down_kills_what_is_on_it_and_both_ends_see_it() {
    let (mut engine, a, b, link) = pair();
    engine.tap(link.forward(), true);
    send(&mut engine, a, 60, 7);
    engine.run(Until::Through(Time::from_nanos(50)));
    engine.set_link(link, false);
    send(&mut engine, a, 61, 7);
    engine.run(Until::Through(Time::from_secs(1)));
    assert_eq!(engine.node(b).log[1..], [(50, "0 Down".into())]);
    assert_eq!(engine.node(a).log[1..], [(50, "0 Down".into())]);
    let down = Some(DropReason::LinkDown);
    assert_eq!(engine.watch().seen, [(50, 60, down, false), (50, 61, down, false)]);
    assert_eq!(engine.watch().dropped, [(b, DropReason::LinkDown, false); 2]);
    assert_eq!(engine.link_drops(link.forward()).total(None, down), 2);
    assert_eq!(engine.in_flight(), 0);
    assert_eq!(engine.pool().live(), 0);
}

#[test]
fn a_stopped_node_is_unplugged_until_it_starts_again() {
    let (mut engine, a, b, link) = pair();
    engine.set_running(b, false);
    assert!(!engine.is_up(link) && engine.is_link_enabled(link), "it is meant to be up");
    engine.set_link(link, false);
    assert!(!engine.is_link_enabled(link));
    engine.set_running(b, true);
    assert!(!engine.is_up(link), "the administrator's word still holds");
    engine.set_link(link, true);
    send(&mut engine, a, 60, 0);
    engine.run(Until::Through(Time::from_secs(1)));
    assert_eq!(engine.node(b).log.last().map(|(_, what)| what.as_str()), Some("60 bytes on 0"));
}

#[test]
fn a_capture_sees_each_arrival_once_and_who_killed_it() {
    let (mut engine, a, b, link) = pair();
    engine.tap(link.forward(), true);
    send(&mut engine, a, 60, 0);
    engine.run(Until::Through(Time::from_nanos(1000)));
    engine.act(b, |node, _| node.refuse = true);
    send(&mut engine, a, 61, 9);
    engine.run(Until::Through(Time::from_secs(1)));
    assert_eq!(engine.watch().seen, [(100, 60, None, true), (1100, 61, Some(DropReason::Malformed), true)]);
    assert_eq!(engine.watch().dropped, [(b, DropReason::Malformed, true)]);
    assert_eq!(engine.node_drops(b).total(Some(P0), Some(DropReason::Malformed)), 1);
}

#[test]
fn a_corrupted_frame_differs_in_one_bit_and_dies_at_the_receiver() {
    let mut engine = Engine::new(Seed(1), Sights::default());
    let a = engine.add_node("a", Probe::default());
    let b = engine.add_node("b", Probe::default());
    let mut config = plain(100);
    config.forward.corrupt = Probability::ONE;
    let link = engine.add_link("x", (a, P0), (b, P0), &config);
    engine.tap(link.forward(), true);
    engine.start();
    send(&mut engine, a, 60, 0);
    engine.run(Until::Through(Time::from_secs(1)));
    assert_eq!(engine.watch().seen, [(100, 60, Some(DropReason::CorruptFcs), true)]);
    assert_eq!(engine.node(b).log, [(0, "0 Up".into())]);
}

#[test]
fn a_notice_ends_the_run_at_its_instant() {
    let (mut engine, a, b, _) = pair();
    send(&mut engine, a, 60, 3);
    assert_eq!(engine.run(Until::Through(Time::from_secs(1))), Stop::Noticed);
    assert_eq!(engine.now(), Time::from_nanos(100));
    assert_eq!((engine.next_notice(), engine.next_notice()), (Some((b, Tag(3))), None));
    assert_eq!(engine.run(Until::Through(Time::from_secs(1))), Stop::Reached);
}

#[test]
fn a_loop_of_two_runs_out_of_budget_and_not_out_of_memory() {
    let mut engine = Engine::new(Seed(1), ());
    let relay = |out| Probe { relay: Some(out), ..Probe::default() };
    let a = engine.add_node("a", relay(P1));
    let b = engine.add_node("b", relay(P0));
    engine.add_link("x", (a, P1), (b, P0), &plain(1));
    engine.set_max_events(1000);
    engine.start();
    engine.act(a, |_, cx| {
        let frame = cx.pool.zeroed(60);
        cx.out.send(P1, frame);
    });
    assert_eq!(engine.run(Until::Through(Time::NEVER)), Stop::Exhausted);
    assert_eq!(engine.events(), 1000);
    assert_eq!(engine.pool().live(), 1);
}

impl Watch<Probe> for Counter {
    fn seen(&mut self, _: &Seen<'_>) {
        self.0 += 1;
    }
    fn dropped(&mut self, _: Time, _: DropSite, _: &Drop, _: &Frame, _: Option<&Probe>) {}
}
struct Counter(u64);

#[test]
fn more_frames_than_the_lab_holds_are_dropped_as_no_buffer() {
    let mut engine = Engine::new(Seed(1), Counter(0));
    let a = engine.add_node("a", Probe::default());
    let b = engine.add_node("b", Probe::default());
    let link = engine.add_link("x", (a, P0), (b, P0), &plain(1000));
    engine.set_max_in_flight(10);
    engine.start();
    for _ in 0..15 {
        engine.act(a, |_, cx| {
            let frame = cx.pool.zeroed(60);
            cx.out.send(P0, frame);
        });
    }
    assert_eq!(engine.in_flight(), 10);
    assert_eq!(engine.link_drops(link.forward()).total(None, Some(DropReason::NoBuffer)), 5);
}

#[test]
fn a_frame_sent_out_of_a_port_without_a_link_is_counted() {
    let (mut engine, a, ..) = pair();
    engine.act(a, |_, cx| {
        let frame = cx.pool.zeroed(60);
        cx.out.send(PortIx(5), frame);
    });
    assert_eq!(engine.node_drops(a).total(Some(PortIx(5)), Some(DropReason::PortDown)), 1);
}

/// A wall clock that a test turns by hand: it advances to what is waited for, plus a little.
struct FakeClock {
    now: Duration,
    late_by: Duration,
    interrupt_at: Option<Duration>,
}

impl WallClock for FakeClock {
    fn elapsed(&mut self) -> Duration {
        self.now
    }

    fn wait_until(&mut self, deadline: Duration) -> Woken {
        if let Some(at) = self.interrupt_at.take_if(|at| *at < deadline) {
            self.now = at;
            return Woken::Outside;
        }
        self.now = deadline + self.late_by;
        Woken::Deadline
    }
}

#[test]
fn a_paced_run_is_never_early_and_reports_its_lag() {
    let (mut engine, a, b, _) = pair();
    let mut clock = FakeClock { now: Duration::from_secs(9), late_by: Duration::from_micros(3), interrupt_at: None };
    let mut paced = Paced::new(&mut clock, engine.now());
    send(&mut engine, a, 60, 0);
    assert_eq!(paced.run(&mut engine, Time::from_millis(5), &mut clock), PacedStop::Reached);
    assert_eq!(engine.node(b).log[1].0, 100);
    assert_eq!(paced.max_lag(), Duration::from_micros(3));
    assert!(clock.now >= Duration::from_secs(9) + Duration::from_millis(5));
}

/// The wall's time is far ahead, and somebody calls.
struct FarAhead;

impl WallClock for FarAhead {
    fn elapsed(&mut self) -> Duration {
        Duration::from_secs(1_000_000)
    }

    fn wait_until(&mut self, _: Duration) -> Woken {
        Woken::Deadline
    }

    fn is_called(&mut self) -> bool {
        true
    }
}

#[test]
fn a_paced_run_that_is_behind_hears_who_calls() {
    let (mut engine, a, b, _) = pair();
    // One frame goes to and fro for ever.
    [a, b].into_iter().for_each(|node| engine.act(node, |probe, _| probe.relay = Some(PortIx(0))));
    send(&mut engine, a, 60, 0);
    let mut paced =
        Paced::new(&mut FakeClock { now: Duration::ZERO, late_by: Duration::ZERO, interrupt_at: None }, Time::ZERO);
    assert_eq!(paced.run(&mut engine, Time::NEVER, &mut FarAhead), PacedStop::Outside);
    assert!(engine.now() < Time::from_secs(1));
    assert!(paced.lag(&mut FarAhead, engine.next_event()) > Duration::from_secs(999_998));
    assert_eq!(paced.lag(&mut FarAhead, Time::NEVER), Duration::ZERO);
}

#[test]
fn a_paced_run_is_interrupted_with_the_lab_at_the_walls_time() {
    let (mut engine, ..) = pair();
    let mut clock =
        FakeClock { now: Duration::ZERO, late_by: Duration::ZERO, interrupt_at: Some(Duration::from_millis(2)) };
    let mut paced = Paced::new(&mut clock, engine.now());
    assert_eq!(paced.run(&mut engine, Time::from_millis(5), &mut clock), PacedStop::Outside);
    assert_eq!(engine.now(), Time::from_millis(2));
}

/// Stops at the first tagged arrival, and writes down who sent.
#[derive(Default)]
struct Tracer {
    sent: Vec<(NodeIx, Tag)>,
    arrived: Vec<(u64, NodeIx)>,
    stop: bool,
}

impl Watch<Probe> for Tracer {
    fn seen(&mut self, _: &Seen<'_>) {}
    fn dropped(&mut self, _: Time, _: DropSite, _: &Drop, _: &Frame, _: Option<&Probe>) {}
    fn sent(&mut self, from: NodeIx, tag: Tag) {
        self.sent.push((from, tag));
    }
    fn arrived(&mut self, now: Time, to: NodeIx, _: PortIx, _: &Frame, _: &Probe) {
        self.arrived.push((now.as_nanos(), to));
        self.stop = true;
    }
    fn wants_stop(&mut self) -> bool {
        std::mem::take(&mut self.stop)
    }
}

#[test]
fn a_tagged_frame_is_followed_from_wire_to_port_and_may_end_the_run() {
    let mut engine = Engine::new(Seed(1), Tracer::default());
    let a = engine.add_node("a", Probe::default());
    let b = engine.add_node("b", Probe::default());
    engine.add_link("x", (a, P0), (b, P0), &plain(100));
    engine.start();
    for tag in [0, 4] {
        engine.act(a, |_, cx| {
            let mut frame = cx.pool.zeroed(60);
            frame.set_tag(Tag(tag));
            cx.out.send(P0, frame);
        });
    }
    assert_eq!(engine.run(Until::Through(Time::from_secs(1))), Stop::Noticed);
    assert_eq!(engine.watch().sent, [(a, Tag(4))]);
    assert_eq!(engine.watch().arrived, [(100, b)]);
}
