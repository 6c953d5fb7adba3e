//! The real Open vSwitch: flows come by `ovs-ofctl`, questions by the socket that ovs-appctl speaks to.

use crate::generate::{Pipeline, Said};
use crate::outcome::{self, Outcome};
use crate::rig::real::Real;
use serde_json::{Value, json};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Command;

/// A real Open vSwitch with a bridge br0 of the ports p1 ... p5, the last one without a link.
pub struct Peer {
    real: Real,
    stream: UnixStream,
    replies: serde_json::StreamDeserializer<'static, serde_json::de::IoRead<std::io::BufReader<UnixStream>>, Value>,
}

impl Peer {
    pub fn start(title: &str) -> Self {
        let real = Real::start(title);
        real.vsctl("set Open_vSwitch . other_config:vlan-limit=2");
        real.vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure");
        // Without collectors it would send no samples.
        real.vsctl(
            "-- --id=@br get bridge br0 -- --id=@ipfix create ipfix targets=\"127.0.0.1:4739\" \
             -- create flow_sample_collector_set id=1 bridge=@br ipfix=@ipfix",
        );
        for port in 1..=crate::PORTS {
            real.vsctl(&format!("add-port br0 p{port} -- set interface p{port} ofport_request={port}"));
        }
        let stream = UnixStream::connect(real.path("ctl")).expect("ovs-vswitchd listens");
        let reader = std::io::BufReader::new(stream.try_clone().expect("a socket can be shared"));
        let replies = serde_json::Deserializer::from_reader(reader).into_iter();
        let mut peer = Self { real, stream, replies };
        peer.command(&["netdev-dummy/set-admin-state", "p5", "down"]).expect("it is a dummy");
        for meter in crate::METERS {
            let bridge = peer.bridge();
            peer.ofctl(&["-O", "OpenFlow15", "add-meter", &bridge, meter]).expect("a meter can be added");
        }
        for words in crate::stations() {
            peer.command(&words.split(' ').collect::<Vec<_>>()).expect("a station can be entered");
        }
        peer
    }

    /// Runs a command of ovs-appctl.
    fn command(&mut self, words: &[&str]) -> Result<String, String> {
        let request = json!({ "id": 0, "method": words[0], "params": words[1..] });
        self.stream.write_all(request.to_string().as_bytes()).expect("ovs-vswitchd listens");
        let reply = self.replies.next().expect("ovs-vswitchd answers").expect("in JSON");
        match (reply["result"].as_str(), reply["error"].as_str()) {
            (Some(text), _) => Ok(text.to_owned()),
            (_, error) => Err(error.unwrap_or_default().to_owned()),
        }
    }

    /// Runs a command of ovs-ofctl on br0.
    fn ofctl(&self, words: &[&str]) -> Result<String, String> {
        let output = Command::new("ovs-ofctl").args(words).output().expect("ovs-ofctl was promised");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The socket for OpenFlow.
    fn bridge(&self) -> String {
        self.real.path("br0.mgmt")
    }

    /// Puts a pipeline in the place of the one that is there.
    pub fn install(&mut self, pipeline: &Pipeline) -> Result<(), String> {
        let file = self.real.path("flows");
        let bridge = self.bridge();
        let mut text = String::new();
        let mut line = |kind: &str, line: &str| {
            text.push_str(&match kind {
                "" => line.to_owned(),
                _ => format!("{kind} {line}"),
            });
            text.push('\n');
        };
        if pipeline.openflow10 {
            line("", "delete");
            pipeline.flows.iter().for_each(|flow| line("", flow));
        } else {
            line("flow", "delete");
            line("group", "delete");
            pipeline.groups.iter().for_each(|group| line("group add", group));
            pipeline.flows.iter().for_each(|flow| line("flow add", flow));
        }
        std::fs::write(&file, text).expect("the directory is the test's own");
        let command = if pipeline.openflow10 { "add-flows" } else { "bundle" };
        let version = if pipeline.openflow10 { "OpenFlow10" } else { "OpenFlow15" };
        self.ofctl(&["-O", version, command, &bridge, &file]).map(|_| ())
    }

    /// The flows that frames made.
    pub fn learnt_flows(&mut self) -> Vec<String> {
        let text = crate::generate::LEARNT.map(|table| {
            self.ofctl(&["--no-stats", "dump-flows", &self.bridge(), &format!("table={table}")]).expect("br0 is there")
        });
        outcome::flows(&text.concat())
    }

    /// What becomes of a frame.
    pub fn trace(&mut self, said: &Said) -> (String, Outcome) {
        // What a frame with bytes taught is nothing to the next one.
        self.command(&["fdb/flush", "br0"]).expect("br0 is there");
        let bytes = said.on_the_wire().map(|(_, bytes)| bytes);
        let words = said.words();
        let text = self.command(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        // Dummy datapaths give the bridge's own port a number from 100 on.
        let port = |number: &str| if number == "100" { "LOCAL".to_owned() } else { number.to_owned() };
        let outcome = outcome::parse(&text, bytes.as_deref(), &port).unwrap_or_else(|| panic!("{words:?}: {text}"));
        (text, outcome)
    }
}
