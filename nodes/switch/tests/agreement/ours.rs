//! netloom's switch with the same ports, stations and meters.

use crate::generate::{Pipeline, Said};
use crate::outcome::{self, Outcome};
use crate::rig::Rig;
use sim_core::{Carrier, Duration, PortIx};

/// A switch with a bridge br0 of the ports p1 ... p5, the last one without a link.
pub struct Ours(Rig);

impl Ours {
    /// The switch with a pipeline; or what it doesn't take, and why.
    pub fn with(pipeline: &Pipeline) -> Result<Self, String> {
        let mut rig = Rig::new(crate::PORTS as usize + 1);
        let ports: String = (1..=crate::PORTS).map(|n| format!(" -- add-port br0 p{n}")).collect();
        rig.line(&format!("ovs-vsctl set open . other_config:vlan-limit=2 -- add-br br0{ports}"));
        rig.line("ovs-vsctl set bridge br0 fail_mode=secure");
        rig.carrier(crate::PORTS, Carrier::Down);
        crate::stations().for_each(|words| drop(rig.line(&format!("ovs-appctl {words}"))));
        let mut lines = vec!["ovs-ofctl del-flows br0".to_owned()];
        lines.extend(crate::METERS.iter().map(|meter| format!("ovs-ofctl -O OpenFlow15 add-meter br0 {meter}")));
        lines.extend(pipeline.groups.iter().map(|group| format!("ovs-ofctl -O OpenFlow15 add-group br0 {group}")));
        for line in lines {
            rig.try_line(&line).map_err(|error| format!("{line}: {error}"))?;
        }
        let now = rig.now;
        rig.switch.add_flows(now, "br0", "flows", &pipeline.flows.join("\n")).map_err(|error| error.to_string())?;
        Ok(Self(rig))
    }

    /// What becomes of a frame.
    pub fn trace(&mut self, said: &Said) -> (String, Option<Outcome>) {
        self.0.line("ovs-appctl fdb/flush br0");
        let bytes = said.on_the_wire().map(|(_, bytes)| bytes);
        let words = said.words().join(" ");
        match self.0.try_line(&format!("ovs-appctl {words}")) {
            Err(error) => (error.to_string(), None),
            Ok(text) => {
                let port = |number: &str| match number {
                    "65534" | "br0" => "LOCAL".to_owned(),
                    _ => number.strip_prefix('p').unwrap_or(number).to_owned(),
                };
                let outcome = outcome::parse(&text, bytes.as_deref(), &port);
                (text, outcome)
            }
        }
    }

    /// The flows that frames made.
    pub fn learnt_flows(&mut self) -> Vec<String> {
        let text = crate::generate::LEARNT
            .map(|table| self.0.line(&format!("ovs-ofctl --no-stats dump-flows br0 table={table}")));
        outcome::flows(&text.concat())
    }

    /// The frames that leave when one comes in, with their ports.
    pub fn forward(&mut self, in_port: u32, bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        // What one frame did to meters and tables is nothing to the next one.
        self.0.now += Duration::from_secs(60);
        self.0.line("ovs-appctl fdb/flush br0");
        let frames = self.0.offer(PortIx(in_port), bytes).frames;
        frames.into_iter().map(|(port, bytes)| (port.0, bytes)).collect()
    }
}
