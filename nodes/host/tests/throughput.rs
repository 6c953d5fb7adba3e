//! How fast transfers are, against what arithmetic says.

mod lab;

use host::{Protocol, Service, TransferConfig, TransferReport, TransferState};
use lab::{Lab, host};
use sim_core::{Duration, LinkConfig, NodeIx, Probability, Tag, Time};

/// The most bytes of data of a segment on a link of 1500 bytes.
const MSS: f64 = 1460.0;

fn pair(seed: u64, config: &LinkConfig) -> (Lab, NodeIx) {
    let mut lab = Lab::with_seed(seed);
    let a = lab.host(host(1, &["10.0.0.1/24", "2001:db8::1/64"]));
    let b = lab.host(host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    lab.quiet_link(a, b, config);
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        lab.act(b, |host, _| host.serve(protocol, 5001, Service::Iperf).expect("the port is free"));
    }
    (lab, a)
}

fn transfer(seed: u64, link: &LinkConfig, config: TransferConfig) -> TransferReport {
    let (mut lab, a) = pair(seed, link);
    let id = lab.act(a, |host, cx| host.start_transfer(cx, config));
    loop {
        lab.run(lab.engine.now().as_nanos() + 1_000_000_000);
        let now = lab.engine.now();
        let report = lab.at(a).transfer(id, now).expect("not forgotten");
        if report.state != TransferState::Running {
            return report;
        }
        assert!(now < Time::from_secs(4000), "{report:?}");
    }
}

fn tcp(seconds: u64) -> TransferConfig {
    TransferConfig {
        duration: Duration::from_secs(seconds),
        ..TransferConfig::new([10, 0, 0, 2].into(), Protocol::Tcp, Tag(7))
    }
}

fn link(delay: Duration, rate: u64, loss: f64) -> LinkConfig {
    let mut config = LinkConfig::default();
    for direction in [&mut config.forward, &mut config.backward] {
        direction.delay = delay;
        direction.rate = rate;
    }
    config.forward.loss = Probability::new(loss).expect("a probability");
    config
}

/// Mathis, Semke, Mahdavi, Ott, 1997: MSS/RTT * sqrt(3/2) / sqrt(p) with an acknowledgement for each segment, which is what
/// a host sends.
#[test]
fn tcp_over_a_lossy_path_is_as_fast_as_the_mathis_formula_says() {
    let mut wrong = Vec::new();
    for rtt_ms in [10, 30, 100] {
        for loss in [0.001, 0.003, 0.01] {
            let link = link(Duration::from_micros(rtt_ms * 500), 1_000_000_000, loss);
            // The same number of losses, on average, for each cell.
            let formula = MSS * 8.0 / (rtt_ms as f64 / 1e3) * (1.5f64 / loss).sqrt();
            let seconds = (200.0 / loss * MSS * 8.0 / formula).clamp(20.0, 2000.0);
            let seeds = 3;
            let mean = (1..=seeds).map(|seed| transfer(seed, &link, tcp(seconds as u64)).goodput()).sum::<f64>()
                / seeds as f64;
            let ratio = mean / formula;
            println!(
                "RTT {rtt_ms} ms, loss {loss}: {:.2} Mbit/s, {ratio:.2} of the formula, {seconds:.0} s",
                mean / 1e6
            );
            if !(0.75..=1.25).contains(&ratio) {
                wrong.push((rtt_ms, loss, ratio));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Where the link is slower than the formula, the link's rate is what there is to have.
#[test]
fn tcp_over_a_lossy_path_that_is_slower_than_the_formula_takes_the_rate_of_the_link() {
    for (rtt_ms, loss, rate) in [(10, 0.001, 20_000_000), (30, 0.003, 5_000_000), (100, 0.01, 1_000_000)] {
        let link = link(Duration::from_micros(rtt_ms * 500), rate, loss);
        let formula = MSS * 8.0 / (rtt_ms as f64 / 1e3) * (1.5f64 / loss).sqrt();
        let allowed = formula.min(rate as f64 * MSS / (MSS + 54.0));
        let seeds = 3;
        let mean = (1..=seeds).map(|seed| transfer(seed, &link, tcp(60)).goodput()).sum::<f64>() / seeds as f64;
        let ratio = mean / allowed;
        println!("RTT {rtt_ms} ms, loss {loss}, {rate} bit/s: {:.2} Mbit/s, {ratio:.2} of what is allowed", mean / 1e6);
        assert!((0.75..=1.0).contains(&ratio), "RTT {rtt_ms} ms, loss {loss}, {rate} bit/s: {ratio}");
    }
}

/// The long variant lasts ten times as long, which Reno needs to climb back after its first overshoot where the queue is
/// shorter than the path.
#[test]
fn tcp_fills_a_clean_link() {
    let long = std::env::var_os("NETLOOM_LONG").is_some();
    let cases: &[(u64, u64, u64)] = match long {
        false => &[(10, 10_000_000_000, 200), (1000, 1_000_000_000, 1000)],
        true => &[(10, 10_000_000_000, 2000), (1000, 10_000_000_000, 10_000)],
    };
    for (delay_us, rate, millis) in cases {
        let config = TransferConfig { duration: Duration::from_millis(*millis), ..tcp(1) };
        let report = transfer(1, &link(Duration::from_micros(*delay_us), *rate, 0.0), config);
        let share = report.goodput() / *rate as f64;
        println!("{delay_us} us, {rate} bit/s: {share:.3} of the link");
        // 1460 bytes of data in each 1514 are 96 %.
        assert!((0.9..0.965).contains(&share), "{delay_us} us, {rate} bit/s: {share} of the link, {report:?}");
    }
}

#[test]
fn udp_reports_the_loss_and_the_jitter_of_the_link() {
    let mut config = link(Duration::from_millis(5), 100_000_000, 0.05);
    config.forward.jitter = Duration::from_millis(1);
    let transfer_config = TransferConfig {
        protocol: Protocol::Udp,
        rate: Some(10_000_000),
        duration: Duration::from_secs(10),
        ..tcp(10)
    };
    let report = transfer(3, &config, transfer_config);
    assert_eq!(report.state, TransferState::Done);
    // 10 Mbit/s in datagrams of 1470 bytes.
    assert_eq!(report.datagrams, 8504);
    // Five standard deviations of the binomial distribution around 425: 5 * sqrt(8504 * 0.05 * 0.95).
    assert!((325..=525).contains(&report.lost), "{report:?}");
    assert_eq!(report.bytes, (report.datagrams - report.lost) * 1470);
    // Two uniform delays of +-1 ms differ by 0.67 ms on average; the link keeps the order, which takes some of it.
    assert!((300_000..900_000).contains(&report.jitter.as_nanos()), "{report:?}");
    let clean = transfer(3, &link(Duration::from_millis(5), 100_000_000, 0.0), transfer_config);
    assert_eq!((clean.lost, clean.out_of_order, clean.datagrams), (0, 0, 8504));
    assert!(clean.jitter < Duration::from_micros(2), "{clean:?}");
}
