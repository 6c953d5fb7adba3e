//! Printing actions in the normal form: as `ovs-ofctl dump-flows` prints them by its default protocol. What OpenFlow 1.0
//! has no word for stands in that of ovs-actions(7).

use std::fmt;

use packet::field::Format;

use super::send::{BUNDLE_ALGORITHMS, HASH_FIELDS, MULTIPATH_ALGORITHMS, REASONS, name};
use super::{Action, Bundle, Controller, Multipath, PacketInReason, Sample, SampleDirection};
use crate::{bytes, port};

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Output(port) => write!(f, "output:{port}"),
            Action::OutputReg { from, .. } => write!(f, "output:{}", from),
            Action::OutputTrunc { port, max_len } => write!(f, "output(port={},max_len={max_len})", port::Shown(*port)),
            Action::InPort => f.write_str("IN_PORT"),
            Action::Normal => f.write_str("NORMAL"),
            Action::Flood => f.write_str("FLOOD"),
            Action::All => f.write_str("ALL"),
            Action::Local => f.write_str("LOCAL"),
            Action::Table => f.write_str("TABLE"),
            Action::Controller(controller) => controller.fmt(f),
            Action::Enqueue { port, queue } => write!(f, "enqueue:{}:{queue}", port::Shown(*port)),
            Action::SetQueue(queue) => write!(f, "set_queue:{queue}"),
            Action::PopQueue => f.write_str("pop_queue"),
            Action::Group(id) => write!(f, "group:{id}"),
            Action::Bundle(bundle) => bundle.fmt(f),
            Action::Multipath(multipath) => multipath.fmt(f),

            Action::ModVlanVid(vid) => write!(f, "mod_vlan_vid:{vid}"),
            Action::ModVlanPcp(pcp) => write!(f, "mod_vlan_pcp:{pcp}"),
            Action::StripVlan => f.write_str("strip_vlan"),
            Action::PushVlan(ether_type) => write!(f, "push_vlan:{:#06x}", ether_type.0),
            Action::PushMpls(ether_type) => write!(f, "push_mpls:{:#06x}", ether_type.0),
            Action::PopMpls(ether_type) => write!(f, "pop_mpls:{:#06x}", ether_type.0),
            Action::SetMplsLabel(label) => write!(f, "set_mpls_label({label})"),
            Action::SetMplsTc(tc) => write!(f, "set_mpls_tc({tc})"),
            Action::SetMplsTtl(ttl) => write!(f, "set_mpls_ttl({ttl})"),
            Action::DecMplsTtl => f.write_str("dec_mpls_ttl"),

            Action::ModDlSrc(mac) => write!(f, "mod_dl_src:{mac}"),
            Action::ModDlDst(mac) => write!(f, "mod_dl_dst:{mac}"),
            Action::ModNwSrc(addr) => write!(f, "mod_nw_src:{addr}"),
            Action::ModNwDst(addr) => write!(f, "mod_nw_dst:{addr}"),
            Action::ModNwTos(tos) => write!(f, "mod_nw_tos:{tos}"),
            Action::ModNwEcn(ecn) => write!(f, "mod_nw_ecn:{ecn}"),
            Action::ModNwTtl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
            Action::ModTpSrc(port) => write!(f, "mod_tp_src:{port}"),
            Action::ModTpDst(port) => write!(f, "mod_tp_dst:{port}"),
            Action::DecTtl(ids) if ids.is_empty() => f.write_str("dec_ttl"),
            Action::DecTtl(ids) => write!(f, "dec_ttl({})", Joined(ids)),
            Action::SetTunnel(id) if *id > u32::MAX.into() => write!(f, "set_tunnel64:{id:#x}"),
            Action::SetTunnel(id) => write!(f, "set_tunnel:{}", Hex((*id).into())),
            Action::SetField { field, value, mask } => {
                f.write_str("set_field:")?;
                match field.format {
                    // In a match, the number alone would mean the tag's absence as well.
                    Format::VlanOxm if *mask == field.slot.max() => write!(f, "{value}")?,
                    _ => field.write_value(f, *value, *mask)?,
                }
                write!(f, "->{}", field.set_name)
            }
            Action::Load { to, value } => write!(f, "load:{}->{}", Hex(*value), to),
            Action::Move { from, to } => write!(f, "move:{}->{}", from, to),
            Action::Push(from) => write!(f, "push:{}", from),
            Action::Pop(to) => write!(f, "pop:{}", to),
            Action::CheckPktLarger { size, to } => write!(f, "check_pkt_larger({size})->{}", to),

            Action::Resubmit { in_port: Some(port), table: None, ct: false } => {
                write!(f, "resubmit:{}", port::Shown(*port))
            }
            Action::Resubmit { in_port, table, ct } => {
                f.write_str("resubmit(")?;
                in_port.map_or(Ok(()), |port| port::Shown(port).fmt(f))?;
                f.write_str(",")?;
                table.map_or(Ok(()), |table| table.fmt(f))?;
                f.write_str(if *ct { ",ct)" } else { ")" })
            }
            Action::Learn(learn) => learn.fmt(f),
            Action::Conjunction { id, clause, n_clauses } => {
                write!(f, "conjunction({id},{}/{n_clauses})", u32::from(*clause) + 1)
            }
            Action::Note(note) => write!(f, "note:{}", bytes::Shown(note)),
            Action::Sample(sample) => sample.fmt(f),
            Action::Clone(actions) => write!(f, "clone({})", List(actions)),
            Action::FinTimeout { idle_timeout, hard_timeout } => {
                let parts = [("idle_timeout", idle_timeout), ("hard_timeout", hard_timeout)];
                let parts = parts.iter().filter(|(_, seconds)| **seconds != 0);
                let parts: Vec<String> = parts.map(|(name, seconds)| format!("{name}={seconds}")).collect();
                write!(f, "fin_timeout({})", parts.join(","))
            }
            Action::Exit => f.write_str("exit"),

            Action::Meter(id) => write!(f, "meter:{id}"),
            Action::WriteMetadata { value, mask: u64::MAX } => write!(f, "write_metadata:{value:#x}"),
            Action::WriteMetadata { value, mask } => write!(f, "write_metadata:{value:#x}/{mask:#x}"),
            Action::ClearActions => f.write_str("clear_actions"),
            Action::WriteActions(actions) => write!(f, "write_actions({})", List(actions)),
            Action::GotoTable(table) => write!(f, "goto_table:{table}"),
        }
    }
}

/// Prints actions with commas between, `drop` if there are none.
pub(crate) struct List<'a>(pub(crate) &'a [Action]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("drop") } else { Joined(self.0).fmt(f) }
    }
}

/// Prints things with commas between.
struct Joined<'j, T>(&'j [T]);

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A hexadecimal number, but for 0 without a prefix, as printf's `%#x` has it.
pub(super) struct Hex(pub(super) u128);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}

impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == (Controller { max_len: self.max_len, ..Controller::default() }) {
            return write!(f, "CONTROLLER:{}", self.max_len);
        }
        let mut parts = Vec::new();
        if self.reason != PacketInReason::Action {
            parts.push(format!("reason={}", name(&REASONS, &self.reason)));
        }
        if self.max_len != u16::MAX {
            parts.push(format!("max_len={}", self.max_len));
        }
        if self.id != 0 {
            parts.push(format!("id={}", self.id));
        }
        if !self.userdata.is_empty() {
            parts.push(format!("userdata={}", bytes::Shown(&self.userdata)));
        }
        if self.pause {
            parts.push("pause".to_owned());
        }
        parts.extend(self.meter.map(|meter| format!("meter_id={meter}")));
        write!(f, "controller({})", Joined(&parts))
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.to.is_some() { "bundle_load" } else { "bundle" };
        let (fields, algorithm) = (name(&HASH_FIELDS, &self.fields), name(&BUNDLE_ALGORITHMS, &self.algorithm));
        write!(f, "{word}({fields},{},{algorithm},ofport,", self.basis)?;
        if let Some(to) = &self.to {
            write!(f, "{},", to)?;
        }
        let members: Vec<_> = self.members.iter().map(|port| port::Shown(*port)).collect();
        write!(f, "members:{})", Joined(&members))
    }
}

impl fmt::Display for Multipath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fields, algorithm) = (name(&HASH_FIELDS, &self.fields), name(&MULTIPATH_ALGORITHMS, &self.algorithm));
        let Multipath { basis, n_links, arg, to, .. } = self;
        write!(f, "multipath({fields},{basis},{algorithm},{n_links},{arg},{})", to)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sample { probability, collector_set_id, obs_domain_id, obs_point_id, .. } = self;
        write!(f, "sample(probability={probability},collector_set_id={collector_set_id},")?;
        write!(f, "obs_domain_id={obs_domain_id},obs_point_id={obs_point_id}")?;
        if self.sampling_port != port::ANY {
            write!(f, ",sampling_port={}", port::Shown(self.sampling_port))?;
        }
        f.write_str(match self.direction {
            SampleDirection::Default => ")",
            SampleDirection::Ingress => ",ingress)",
            SampleDirection::Egress => ",egress)",
        })
    }
}
