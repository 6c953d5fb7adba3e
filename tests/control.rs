//! The control socket of a running lab, driven from outside: many clients, bad ones, two labs, the ends of a lab.

#![allow(clippy::disallowed_methods, reason = "the labs of these tests run at the pace of the wall clock")]

#[path = "support/lab.rs"]
mod lab;
mod support;

use lab::{Client, PATIENCE, Running, netloom_in};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Instant;
use support::tempdir;

const PAIR: &str = r#"
[hosts]
h1 = { ip = "10.0.0.1/24", to = "h2", delay = "1ms" }
h2 = "10.0.0.2/24"
[[checks]]
ping = { from = "h1", to = "h2" }
"#;

fn pid(lab: &Running) -> Pid {
    Pid::from_raw(lab.child.id() as i32).expect("a child has a pid")
}

#[test]
fn a_lab_greets_and_shows_itself() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &["--seed", "7"]);
    let mut client = lab.client();
    let greeting = &client.greeting;
    assert_eq!((&greeting["netloom"], &greeting["lab"], &greeting["seed"]), (&json!(1), &json!("pair"), &json!(7)));
    assert_eq!(greeting["pid"], lab.child.id());
    let (_, seen) = client.call(json!({"do": "inspect"}));
    let seen = &seen["ok"];
    assert_eq!((&seen["lab"], &seen["speed"]), (&json!("pair"), &json!(1.0)));
    assert_eq!(seen["nodes"][0]["ipv4"], json!(["10.0.0.1/24"]));
    assert_eq!(seen["nodes"][1]["ports"][0]["peer"], "h1:eth0");
    assert_eq!(seen["links"][0]["ends"], json!(["h1:eth0", "h2:eth0"]));
    assert_eq!(seen["links"][0]["directions"][0]["delay_ns"], 1_000_000);
}

#[test]
fn a_client_gets_the_text_that_the_prompt_prints() {
    let directory = tempdir();
    let lines = ["h1 ping h2 -c 3 -i 10", "h2 show ip", "link h1", "pingall"];
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = lab.client();
    let answers: Vec<String> = lines.iter().map(|line| client.exec(line)).collect();
    let file = directory.path().join("pair.toml");
    for (line, answer) in lines.into_iter().zip(answers).filter(|(line, _)| !line.starts_with("link")) {
        let mut typed = netloom_in(directory.path())
            .arg("run")
            .arg(&file)
            .args(["--name", "typed"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("netloom starts");
        let mut input = typed.stdin.take().expect("it is piped");
        writeln!(input, "{line}").expect("the lab reads its prompt");
        drop(input);
        let output = String::from_utf8(typed.wait_with_output().expect("it can be waited for").stdout).expect("UTF-8");
        let (_, printed) = output.split_once('\n').expect("the first line says what the lab is");
        assert_eq!(printed, answer, "{line}");
    }
}

#[test]
fn output_comes_line_by_line_and_a_command_can_be_cancelled() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = lab.client();
    client.ask(&json!({"id": 1, "do": "exec", "line": "h1 ping h2 -c 60000 -i 3600000"}));
    let first = client.reply().expect("the first reply comes before the ping is over");
    assert!(first["output"].as_str().is_some_and(|text| text.contains("icmp_seq=1")), "{first}");
    client.ask(&json!({"id": 1, "do": "events"}));
    assert_eq!(client.reply().expect("it is refused")["error"]["code"], "id_in_use");
    client.ask(&json!({"id": 2, "do": "cancel", "of": 1}));
    assert_eq!(client.reply(), Some(json!({"id": 2, "ok": {}})));
    assert_eq!(client.reply(), Some(json!({"id": 1, "ok": {"status": 130}})));
    let (_, again) = client.call(json!({"do": "cancel", "of": 1}));
    assert_eq!(again["error"]["code"], "not_running");
    let (_, refused) = client.call(json!({"do": "exec", "line": "h1 pign h2"}));
    assert_eq!((&refused["error"]["code"], &refused["error"]["status"]), (&json!("refused"), &json!(1)));
}

#[test]
fn a_hundred_clients_at_once_each_get_their_own_answers() {
    const CLIENTS: usize = 100;
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    lab.client().exec("h1 ping h2 -c 1");
    let started = Instant::now();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let lab = &lab;
            scope.spawn(move || {
                let mut client = lab.client();
                client.ask(&json!({"id": "follow", "do": "events"}));
                for round in 0..5 {
                    let (_, seen) = client.call(json!({"do": "inspect"}));
                    assert_eq!(seen["ok"]["lab"], "pair");
                    let size = 100 + number * 5 + round;
                    let output = client.exec(&format!("h1 ping h2 -c 2 -i 5 -s {size}"));
                    let mine = format!("{} bytes from", size + 28);
                    assert_eq!(output.lines().filter(|line| line.starts_with(&mine)).count(), 2, "{output}");
                    assert_eq!(output.lines().count(), 2, "{output}");
                }
                client.ask(&json!({"id": "leave", "do": "cancel", "of": "follow"}));
                let (_, end) = client.finish(&json!("follow"));
                assert_eq!(end["ok"], json!({}));
            });
        }
    });
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn a_client_too_many_is_told_and_there_is_room_again_when_one_leaves() {
    const MOST: usize = 128;
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut clients: Vec<Client> = (0..MOST).map(|_| lab.client()).collect();
    // The last of them is served, so all are there.
    clients[MOST - 1].exec("help");
    let mut refused = lab.client();
    assert_eq!(refused.greeting["error"]["code"], "too_many_clients");
    assert_eq!(refused.reply(), None);
    clients.truncate(MOST / 2);
    // The lab sees them go in its own time: those that come too early are told.
    let deadline = Instant::now() + PATIENCE;
    while lab.client().greeting.get("error").is_some() {
        assert!(Instant::now() < deadline, "no room came");
    }
}

#[test]
fn what_runs_at_once_is_bounded_and_what_ends_makes_room() {
    const MOST: usize = 16;
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = lab.client();
    let listen = |id: usize| json!({"id": id, "do": "exec", "line": format!("h2 nc -l {}", 9000 + id)});
    (0..=MOST).for_each(|id| client.ask(&listen(id)));
    let refused = client.reply().expect("one is too many");
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(MOST), &json!("too_many_running")));
    client.ask(&json!({"id": "c", "do": "cancel", "of": 3}));
    let mut ends: Vec<Value> = (0..2).map(|_| client.reply().expect("it is done")["id"].clone()).collect();
    ends.sort_by_key(ToString::to_string);
    assert_eq!(ends, [json!("c"), json!(3)]);
    client.ask(&listen(MOST + 1));
    client.ask(&json!({"id": "h", "do": "exec", "line": "nodes"}));
    // One fills the place again, so that the next is refused.
    assert_eq!(client.reply().expect("it is refused")["error"]["code"], "too_many_running");

    let captures: Vec<Client> = (0..MOST).map(|_| capture(&lab, json!({"id": 1, "links": ["all"]}))).collect();
    let mut one_more = lab.client();
    one_more.ask(&json!({"id": 1, "do": "capture", "links": ["all"]}));
    assert_eq!(one_more.reply().expect("it is refused")["error"]["code"], "too_many_captures");
    drop(captures);
}

#[test]
fn garbage_is_answered_and_the_connection_goes_on() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = lab.client();
    for (line, code) in [
        ("GET / HTTP/1.1\r\n", "bad_json"),
        ("{}\n", "bad_request"),
        ("[[[[\n", "bad_json"),
        ("{\"id\":1,\"do\":\"dance\"}\n", "bad_request"),
        ("{\"id\":1,\"do\":\"inspect\",\"extra\":1}\n", "bad_request"),
        ("{\"id\":[],\"do\":\"inspect\"}\n", "bad_request"),
        ("{\"id\":1,\"do\":\"exec\",\"line\":\"it's\"}\n", "refused"),
        ("{\"id\":1,\"do\":\"capture\",\"links\":[\"h9\"]}\n", "no_such_link"),
        ("{\"id\":1,\"do\":\"capture\",\"links\":[\"h1\"],\"filter\":\"icpm\"}\n", "bad_filter"),
        ("{\"id\":1,\"do\":\"link\",\"link\":\"h1\",\"change\":\"loss much\"}\n", "refused"),
    ] {
        client.send(line.as_bytes()).expect("the lab reads");
        assert_eq!(client.reply().expect("the connection goes on")["error"]["code"], code, "{line}");
    }
    // A line may come in pieces, and blank ones are passed over.
    client.send(b"\n  \n{\"id\":1,\"do\"").expect("the lab reads");
    lab.client().exec("help");
    client.send(b":\"checks\"}\n").expect("the lab reads");
    assert_eq!(client.reply().expect("it is whole now")["ok"]["checks"][0]["state"], "waiting");
    client.send(b"{\"id\":1,\"do\":\"stop\"}").expect("the lab reads");
    client.close_half();
    assert_eq!(client.reply().expect("it is told")["error"]["code"], "half_line");
    assert_eq!(client.reply(), None);
    for (bytes, code) in [(vec![b'x'; (64 << 10) + 1], "line_too_long"), (vec![0xff, b'\n'], "not_utf8")] {
        let mut client = lab.client();
        client.send(&bytes).expect("the lab reads");
        assert_eq!(client.reply().expect("it is told")["error"]["code"], code);
        assert_eq!(client.reply(), None);
    }
    let request = r#"{"do":"exec","line":"help"}"#;
    let longest = request.to_owned() + &" ".repeat((64 << 10) - request.len()) + "\n";
    client = lab.client();
    client.send(longest.as_bytes()).expect("the lab reads");
    assert!(client.reply().expect("64 KiB are not too many").get("output").is_some());
}

#[test]
fn a_client_that_asks_and_does_not_read_is_given_up_and_costs_little() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut other = lab.client();
    other.exec("help");
    let before = lab.resident();
    let mut worst = 0.0f64;
    for _ in 0..4 {
        let mut client = lab.client();
        let asked = Instant::now();
        let request = "{\"id\":1,\"do\":\"inspect\"}\n".repeat(100);
        // Its replies pile up until the lab gives it up and hangs up.
        while client.send(request.as_bytes()).is_ok() {
            let started = Instant::now();
            other.exec("help");
            worst = worst.max(started.elapsed().as_secs_f64());
            assert!(asked.elapsed() < PATIENCE, "it is never given up");
        }
        let mut last = None;
        while let Some(reply) = client.reply() {
            last = Some(reply);
        }
        assert!(last.is_none_or(|reply| reply.get("ok").is_some() || reply["error"]["code"] == "slow_reader"));
    }
    assert!(worst < 5.0, "another client waited {worst} s");
    let grown = lab.resident().saturating_sub(before);
    assert!(grown < 48 << 10, "the lab grew by {grown} KiB");
}

#[test]
fn a_client_that_stops_reading_events_misses_some_and_is_told_how_many() {
    const COMMANDS: usize = 20_000;
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut sleeper = lab.client();
    sleeper.ask(&json!({"id": "e", "do": "events"}));
    // The next request is taken after the one above.
    sleeper.exec("link h1");
    let mut other = lab.client();
    let before = lab.resident();
    let mut writing = other.stream.try_clone().expect("it can be");
    let busy = thread::spawn(move || {
        for number in 0..COMMANDS {
            let change = ["down", "up"][number % 2];
            let request = json!({"id": number, "do": "link", "link": "h1", "change": change});
            writeln!(writing, "{request}").expect("the lab reads");
        }
    });
    for number in 0..COMMANDS {
        assert_eq!(other.reply().expect("the lab goes on")["id"], number);
    }
    busy.join().expect("all was written");
    let grown = lab.resident().saturating_sub(before);
    assert!(grown < 24 << 10, "the lab grew by {grown} KiB");
    sleeper.ask(&json!({"id": "c", "do": "cancel", "of": "e"}));
    let (mut events, mut lost) = (0, 0);
    loop {
        let reply = sleeper.reply().expect("it is not given up");
        events += u64::from(reply.get("event").is_some() && reply["event"]["kind"] != "drops");
        lost += reply["lost"].as_u64().unwrap_or(0);
        if reply["id"] == "c" {
            break;
        }
    }
    // Those of the sleeper's own command, and for each of the others the change and the command.
    assert!(lost > 0, "{events} events");
    assert!(events + lost > 2 * COMMANDS as u64, "{events} events and {lost} lost");
}

#[test]
fn a_client_that_asks_no_more_gets_the_rest_of_its_replies() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = lab.client();
    client.ask(&json!({"id": 1, "do": "exec", "line": "h1 ping h2 -c 3 -i 100"}));
    client.close_half();
    let (output, end) = client.finish(&json!(1));
    assert_eq!((output.matches("icmp_seq=").count(), &end["ok"]["status"]), (3, &json!(0)), "{output}");
    assert_eq!(client.reply(), None);
}

#[test]
fn commands_of_clients_that_vanish_are_cancelled() {
    const CLIENTS: usize = 50;
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut other = lab.client();
    other.ask(&json!({"id": "e", "do": "events"}));
    let mut waiting = Vec::new();
    for number in 0..CLIENTS {
        let mut client = lab.client();
        // Every other one prints nothing, and has told that it asks no more.
        if number % 2 == 0 {
            client.ask(&json!({"id": 1, "do": "exec", "line": format!("h1 ping h2 -c 60000 -i 50 -s {number}")}));
            assert!(client.reply().expect("it runs").get("output").is_some());
        } else {
            client.ask(&json!({"id": 1, "do": "exec", "line": format!("h2 nc -l {}", 9000 + number)}));
            client.close_half();
            waiting.push(client);
        }
    }
    // By now their halves have been seen.
    lab.client().exec("help");
    drop(waiting);
    let mut cancelled = 0;
    while cancelled < CLIENTS {
        let event = other.reply().expect("the lab goes on");
        cancelled += usize::from(event["event"]["kind"] == "command" && event["event"]["status"] == 130);
    }
}

#[test]
fn events_tell_of_links_nodes_commands_checks_and_drops() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut follower = lab.client();
    follower.ask(&json!({"id": "e", "do": "events"}));
    follower.exec("help");
    let mut client = lab.client();
    client.exec("link h1 down");
    client.exec("link h1 up");
    client.exec("stop h2");
    client.exec("start h2");
    client.exec("checks");
    client.exec("link h1 loss 100%");
    client.exec("h1 ping h2 -c 1");
    let mut seen: Vec<String> = Vec::new();
    let mut last = 0;
    while !["drops at h2:eth0 loss", "command h1 ping h2 -c 1 0"].iter().all(|&what| seen.iter().any(|s| s == what)) {
        let reply = follower.reply().expect("the lab goes on");
        let Some(event) = reply.get("event") else { continue };
        let at = event["time_ns"].as_u64().expect("each has its time");
        assert!(at >= last, "{event}");
        last = at;
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        seen.push(match word("kind").as_str() {
            "link" => format!("link {} {}", event["ends"][0], event["up"]),
            "node" => format!("node {} {}", word("node"), event["running"]),
            "command" => format!("command {} {}", word("line"), event["status"]),
            "check" => format!("check {}", word("status")),
            "drops" => format!("drops at {} {}", word("at"), word("reason")),
            other => panic!("{other}: {event}"),
        });
    }
    seen.retain(|what| !what.starts_with("drops"));
    assert_eq!(
        seen,
        [
            "command help 0",
            "link \"h1:eth0\" false",
            "command link h1 down 0",
            "link \"h1:eth0\" true",
            "command link h1 up 0",
            "node h2 false",
            "link \"h1:eth0\" false",
            "command stop h2 0",
            "node h2 true",
            "link \"h1:eth0\" true",
            "command start h2 0",
            "check passed",
            "command checks 0",
            "command link h1 loss 100% 0",
            "command h1 ping h2 -c 1 0",
        ]
    );
}

#[test]
fn two_labs_run_at_once_under_different_names() {
    let directory = tempdir();
    let runtime = directory.path();
    let one = Running::start(runtime, "one", PAIR, &[]);
    let two = Running::start(runtime, "two", PAIR, &[]);
    for (lab, name) in [(&one, "one"), (&two, "two")] {
        assert_eq!(lab.client().greeting["lab"], name);
    }
    let text = |output: std::process::Output| String::from_utf8(output.stdout).expect("netloom writes UTF-8");
    let all = text(one.netloom(&["inspect", "--format", "csv"]));
    assert_eq!(all.lines().filter(|line| line.starts_with("one,h") || line.starts_with("two,h")).count(), 4, "{all}");
    let output = netloom_in(runtime).arg("run").arg(runtime.join("one.toml")).stdin(Stdio::null()).output();
    let output = output.expect("netloom starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(&format!("pid {}", one.child.id())) && said.contains("--name"), "{said}");
    let none = one.netloom(&["exec", "three", "h1", "show"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(none.status.code() == Some(2) && said.contains("one, two"), "{said}");
    assert_eq!(one.netloom(&["stop", "one"]).status.code(), Some(0));
    assert!(!one.socket.exists() && two.socket.exists());
    assert_eq!(one.wait().0, Some(0));
    two.client().exec("h1 ping h2 -c 1");
    // What holds for a lab file would be passed over.
    assert_eq!(two.netloom(&["exec", "--seed", "2", "two", "h1", "show"]).status.code(), Some(2));
    assert_eq!(two.netloom(&["exec", "two", "h1", "show", "ip"]).status.code(), Some(0));
    assert_eq!(two.netloom(&["exec", "two", "h1", "shwo"]).status.code(), Some(1));
}

#[test]
fn a_socket_whose_owner_was_killed_is_replaced() {
    let directory = tempdir();
    let mut lab = Running::start(directory.path(), "pair", PAIR, &[]);
    lab.child.kill().expect("it runs");
    lab.child.wait().expect("it was killed");
    assert!(lab.socket.exists() && Client::connect(&lab.socket).is_err());
    let listed = lab.netloom(&["inspect", "--format", "csv"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "only the head");
    let again = Running::start(directory.path(), "pair", PAIR, &[]);
    assert_eq!(again.client().greeting["pid"], again.child.id());
}

#[test]
fn of_labs_that_start_at_the_same_moment_one_gets_the_name() {
    let directory = tempdir();
    let file = directory.path().join("pair.toml");
    fs::write(&file, PAIR).expect("the directory is the test's own");
    let start = || {
        let mut command = netloom_in(directory.path());
        command.arg("run").arg(&file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("netloom starts")
    };
    let mut labs: Vec<_> = (0..6).map(|_| start()).collect();
    // Those without the socket end by themselves; the one that has it reads its prompt to the end.
    let mut prompts: Vec<_> = labs.iter_mut().map(|lab| lab.stdin.take()).collect();
    let owner = loop {
        match Client::connect(&directory.path().join("netloom/pair.sock")) {
            Ok(client) => break client.greeting["pid"].as_u64().expect("it is a number"),
            Err(_) => thread::yield_now(),
        }
    };
    let (owners, others): (Vec<_>, Vec<_>) = labs.iter_mut().partition(|lab| u64::from(lab.id()) == owner);
    for lab in others {
        assert_eq!(lab.wait().expect("it can be waited for").code(), Some(2));
    }
    prompts.clear();
    for lab in owners {
        assert_eq!(lab.wait().expect("it can be waited for").code(), Some(0));
    }
}

#[test]
fn the_socket_is_its_users_alone() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&lab.socket), 0o600);
    assert_eq!(mode(lab.socket.parent().expect("it is in a directory")), 0o700);
    drop(lab);
    let open = directory.path().join("netloom");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let output = netloom_in(directory.path()).arg("run").arg(directory.path().join("pair.toml")).output();
    let said = String::from_utf8_lossy(&output.expect("netloom starts").stderr).into_owned();
    assert!(said.contains("0700"), "{said}");
}

#[test]
fn a_signal_ends_the_lab_with_its_socket_removed_and_its_captures_whole() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let directory = tempdir();
        let file = directory.path().join("all.pcapng");
        let capture = format!("all={}", file.display());
        let lab = Running::start(directory.path(), "pair", PAIR, &["--capture", &capture]);
        let mut client = lab.client();
        client.exec("h1 ping h2 -c 3 -i 1");
        client.ask(&json!({"id": "long", "do": "exec", "line": "h1 ping h2 -c 100 -i 60000"}));
        assert!(client.reply().expect("it runs").get("output").is_some());
        kill_process(pid(&lab), signal).expect("it runs");
        assert_eq!(client.finish(&json!("long")).1["error"]["code"], "lab_ended");
        assert_eq!(client.reply(), None);
        let socket = lab.socket.clone();
        assert_eq!(lab.wait().0, Some(code));
        assert!(!socket.exists() && !socket.with_extension("lock").exists());
        assert_eq!(packets(&fs::read(file).expect("it was written")).len(), 2 + 8);
    }
}

#[test]
fn stop_answers_everybody_and_ends_the_lab() {
    let directory = tempdir();
    let socket = directory.path().join("own.sock");
    let lab = Running::start(directory.path(), "pair", PAIR, &["--socket", &socket.display().to_string()]);
    let mut follower = Client::connect(&socket).expect("the lab listens there");
    follower.ask(&json!({"id": "e", "do": "events"}));
    follower.exec("help");
    let mut client = Client::connect(&socket).expect("the lab listens there");
    assert_eq!(client.call(json!({"do": "stop"})).1["ok"], json!({}));
    assert_eq!(follower.finish(&json!("e")).1["ok"], json!({}));
    assert_eq!((client.reply(), follower.reply()), (None, None));
    assert_eq!(lab.wait().0, Some(0));
    assert!(!socket.exists());
}

/// Times and bytes of a capture's packets.
fn packets(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut reader = pcap::Reader::new(bytes).expect("it is a capture");
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().expect("it is whole") {
        packets.push((packet.time_ns, packet.bytes.to_vec()));
    }
    packets
}

/// Opens a capture; the bytes are read from what this gives.
fn capture(lab: &Running, request: Value) -> Client {
    let mut client = lab.client();
    let mut request = request;
    request["do"] = json!("capture");
    request["id"] = json!(1);
    client.ask(&request);
    assert_eq!(client.reply(), Some(json!({"id": 1, "ok": {}})));
    client
}

fn rest(client: &mut Client) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut client.reading, &mut bytes).expect("the capture ends");
    bytes
}

#[test]
fn captures_open_and_close_while_the_lab_runs() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = lab.client();
    client.exec("h1 ping h2 -c 1");
    let mut all = capture(&lab, json!({"links": ["h1"]}));
    let mut requests = capture(&lab, json!({"links": ["h1", "h2"], "filter": "icmp,icmp_type=8"}));
    let mut three = capture(&lab, json!({"links": ["all"], "count": 3}));
    let nobody = capture(&lab, json!({"links": ["h1"]}));
    nobody.stream.shutdown(std::net::Shutdown::Both).expect("it is ours");
    drop(nobody);
    client.exec("h1 ping h2 -c 5 -i 1");
    // It has all that it was to hold.
    assert_eq!(packets(&rest(&mut three)).len(), 3);
    requests.close_half();
    assert_eq!(packets(&rest(&mut requests)).len(), 5);
    client.exec("h1 ping h2 -c 5 -i 1");
    all.close_half();
    let seen = packets(&rest(&mut all));
    assert_eq!(seen.len(), 20);
    assert!(seen.is_sorted_by_key(|(time, _)| *time));
    client.exec("h1 ping h2 -c 1");
}

#[test]
fn a_capture_for_a_while_ends_by_itself() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client = capture(&lab, json!({"links": ["h1"], "for_ns": 100_000_000}));
    assert_eq!(packets(&rest(&mut client)).len(), 0);
}

#[test]
fn tshark_reads_a_live_capture_from_a_pipe() {
    if !support::needs(&["tshark"]) {
        return;
    }
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut writer = netloom_in(directory.path())
        .args(["capture", "pair", "h1", "-w", "-", "--count", "4", "icmp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("netloom starts");
    let piped = writer.stdout.take().expect("it is piped");
    let tshark = std::process::Command::new("tshark")
        .env("WIRESHARK_CONFIG_DIR", "/nonexistent")
        .args(["-n", "-l", "-r", "-", "-T", "fields", "-e", "icmp.type"])
        .stdin(piped)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("tshark starts");
    let mut client = lab.client();
    // The capture may begin between any two of them.
    client.ask(&json!({"id": 1, "do": "exec", "line": "h1 ping h2 -c 60000 -i 20"}));
    let output = tshark.wait_with_output().expect("it can be waited for");
    let types: Vec<&str> = std::str::from_utf8(&output.stdout).expect("tshark writes UTF-8").lines().collect();
    assert_eq!(types.len(), 4, "{types:?}");
    assert!(types.iter().all(|found| ["0", "8"].contains(found)), "{types:?}");
    let said = writer.wait_with_output().expect("it can be waited for").stderr;
    assert_eq!(String::from_utf8_lossy(&said), "4 frames captured, 0 lost\n");
}

/// Three frames go round a loop of two switches, both ways: each crossing takes DELAY.
const LOOP: &str = r#"
[switches.a.ports]
1 = { to = "b:1", delay = "DELAY" }
2 = { to = "b:2", delay = "DELAY" }
h = { to = "h1" }
[switches.b]
[hosts]
h1 = "10.0.0.1/24"
"#;

/// What `netloom capture` says at its end: frames captured and lost.
fn said(stderr: &[u8]) -> (u64, u64) {
    let said = String::from_utf8_lossy(stderr).into_owned();
    let numbers: Vec<u64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [captured, lost] = numbers.as_slice() else { panic!("{said}") };
    (*captured, *lost)
}

#[test]
fn a_live_capture_of_200000_frames_a_second_loses_nothing() {
    let directory = tempdir();
    let lab = Running::start(directory.path(), "loop", &LOOP.replace("DELAY", "29500ns"), &[]);
    // Nobody answers for this address: three requests are in the loop.
    lab.client().exec("h1 ping 10.0.0.9 -c 1");
    let output = lab.netloom(&["capture", "loop", "a:1", "a:2", "-w", "-", "--for", "1s"]);
    let (captured, lost) = said(&output.stderr);
    assert_eq!(lost, 0);
    assert!(captured >= 200_000, "{captured} frames");
    assert_eq!(packets(&output.stdout).len() as u64, captured);
}

#[test]
fn a_capture_that_nobody_reads_loses_frames_and_says_so_and_others_lose_none() {
    if !support::long() {
        return;
    }
    let directory = tempdir();
    let lab = Running::start(directory.path(), "loop", &LOOP.replace("DELAY", "9us"), &[]);
    let mut client = lab.client();
    client.exec("h1 ping 10.0.0.9 -c 1");
    let before = lab.resident();
    let stuck = netloom_in(directory.path())
        .args(["capture", "loop", "a:1", "a:2", "-w", "-", "--for", "3s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("netloom starts");
    let output = lab.netloom(&["capture", "loop", "a:1", "a:2", "-w", "-", "--for", "4s"]);
    let (captured, lost) = said(&output.stderr);
    assert!(captured > 2_000_000 && lost == 0, "{captured} frames, {lost} lost");
    let grown = lab.resident().saturating_sub(before);
    assert!(grown < 160 << 10, "the lab grew by {grown} KiB");
    let output = stuck.wait_with_output().expect("it can be waited for");
    let (captured, lost) = said(&output.stderr);
    assert!(captured > 500_000 && lost > 500_000, "{captured} frames, {lost} lost");
    assert_eq!(packets(&output.stdout).len() as u64, captured);
}

#[test]
fn the_examples_of_the_documentation_are_what_a_lab_says() {
    let text = include_str!("../docs/control-socket.md");
    let directory = tempdir();
    let lab = Running::start(directory.path(), "pair", PAIR, &[]);
    let mut client: Option<Client> = None;
    for line in text.lines() {
        let (found, expected) = match (line.strip_prefix("> "), line.strip_prefix("< ")) {
            (Some(request), _) => {
                let client = client.get_or_insert_with(|| lab.client());
                client.send(format!("{request}\n").as_bytes()).expect("the lab reads");
                continue;
            }
            (_, Some(greeting)) if client.is_none() => {
                let mut stream = std::os::unix::net::UnixStream::connect(&lab.socket).expect("the lab listens");
                stream.set_read_timeout(Some(PATIENCE)).expect("it is ours");
                (read_line(&mut stream), greeting)
            }
            (_, Some(reply)) => {
                let client = client.as_mut().expect("a request comes first");
                let mut line = String::new();
                std::io::BufRead::read_line(&mut client.reading, &mut line).expect("the lab replies");
                (line, reply)
            }
            _ => continue,
        };
        match expected.strip_suffix("...") {
            Some(start) => assert!(found.starts_with(start), "{found} doesn't begin with {start}"),
            None => assert_eq!(found.trim_end(), expected),
        }
        // Behind its reply a capture has the connection for itself.
        if expected == "{\"id\":11,\"ok\":{}}" {
            client = Some(lab.client());
        }
    }
    assert_eq!(lab.wait().0, Some(0));
}

fn read_line(stream: &mut std::os::unix::net::UnixStream) -> String {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut line).expect("the lab speaks first");
    line
}
