//! Lines of any text at the prompt of a small lab, and completion at every place of them: nothing panics, what is offered
//! fits the place, and the lab goes on.
#![no_main]

use topologies::run::{End, Session, complete};

const LAB: &str = r#"
[switches.s1.ports]
p1 = { tag = 9, to = "h1" }
p2 = { tag = 9, to = "v1:eth0" }
[hosts]
h1 = { ip = ["10.0.0.1/24", "2001:db8::1/64"], run = ["http 80"] }
[servers.v1]
nics.eth0 = { ip = ["10.0.0.2/24", "2001:db8::2/64"] }
"#;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let lab = topologies::parse("fuzz.toml", LAB, &[]).expect("the lab is good").lab;
    let mut session = Session::new(lab).expect("the lab is good");
    session.net_mut().engine_mut().set_max_events(20_000);
    for line in text.lines().take(8) {
        for pos in 0..=line.len().min(80) {
            let found = complete(session.net(), line, pos);
            assert!(found.start <= pos && line.is_char_boundary(found.start));
        }
        let Ok(words) = ovsdb::words::split(line) else { continue };
        if let Err(error) = session.command(&words) {
            assert!(error.status != 0 && !error.message.is_empty(), "{line}");
        }
        let until = session.net().engine().now() + sim_core::Duration::from_millis(300);
        session.run(End::At(until));
        session.take_output();
        session.take_request();
    }
    assert!(!session.inspect().lab.is_empty() && !session.save().is_empty());
});
