//! Frames that don't come in by a port: those of `packet-out`.

use super::{Worker, current};
use crate::execute::Execution;
use crate::plan::Plan;
use crate::port_state::PortState;
use crate::shared::Shared;
use crate::translate::{Unobserved, World, translate_actions};
use crate::worker::carry_out;
use openflow::PacketOut;
use packet::FlowKey;
use sim_core::{Outbox, Pool, Time};

/// The numbers of ports that stand for controllers and for none: NORMAL takes frames from there.
const SOURCES: [u32; 2] = [0xfffd, 0xffff];

impl Worker {
    /// Does with a frame what its actions say. It leaves by `out`, as frames or as a drop; the flows that it finds count it
    /// at once.
    pub(crate) fn packet_out(&mut self, sw: &Shared, now: Time, packet: &PacketOut, pool: &mut Pool, out: &mut Outbox) {
        let Some(context) = current(&mut self.contexts, &mut self.cache, sw) else { return };
        let known = context.plan.slot_of_ofport(packet.in_port);
        let mut own = Plan::default();
        let (plan, slot) = match known {
            Some(slot) => (&*context.plan, slot),
            None => {
                own.clone_from(&context.plan);
                let slot = own.add_source(packet.in_port as u16, SOURCES.contains(&packet.in_port));
                (&own, slot)
            }
        };
        let frame = pool.copied(&packet.bytes);
        let mut key = FlowKey::extract(packet.in_port, &packet.bytes);
        let given = packet.fields.key.words().iter().zip(packet.fields.mask.words());
        for (word, (value, mask)) in key.words_mut().iter_mut().zip(given) {
            *word = *word & !mask | value & mask;
        }
        let translation = {
            let tables = sw.tables();
            let world = World { tables: &tables, plan, macs: None };
            translate_actions(world, slot, &key, &packet.actions, &mut Unobserved)
        };
        translation.effects.iter().for_each(|effect| carry_out(sw, now, effect));
        let program = &translation.program;
        program.count(1, frame.len() as u64, now);
        if known.is_none() {
            context.ports.push(PortState::default());
        }
        let port = plan.ports[usize::from(slot)].lab;
        Execution::new(plan, sw, now, port, slot, &mut context.ports, pool, out).run(program, frame);
        if known.is_none() {
            context.ports.pop();
        }
        program.push();
    }
}
