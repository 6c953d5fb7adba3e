//! Links: the keys on the end that has `to`.

use super::text::{Keys, quoted};
use crate::run::device::Device;
use crate::run::link_command::rate;
use crate::run::net::Net;
use crate::spec::{DEFAULT_INTERFACE, units};
use host::Interface;
use sim_core::{DirectionConfig, LinkIx, NodeIx, PortIx, Probability, QueueLimit};

/// The keys of the link that has its `to` at a port; none if there is no such link.
pub(super) fn keys(net: &Net, node: NodeIx, port: PortIx) -> Keys {
    let Some(link) = link_from(net, node, port) else { return Keys::new() };
    let (out, back) = (net.engine().link_config(link.forward()), net.engine().link_config(link.backward()));
    let [_, (far, far_port)] = net.engine().ends(link);
    let is_default = net.host(far).is_some() && net.names().port_name(far, far_port) == Some(DEFAULT_INTERFACE);
    let to = if is_default { net.names().node(far).to_owned() } else { net.names().port(far, far_port) };
    let mut keys = vec![("to".to_owned(), quoted(&to))];
    let defaults = DirectionConfig::default();
    let mut add = |name: &str, value: &dyn Fn(&DirectionConfig) -> String| {
        keys.extend(both(&value(out), &value(back), &value(&defaults)).map(|text| (name.to_owned(), text)));
    };
    add("delay", &|config| quoted(&config.delay.to_string()));
    add("jitter", &|config| quoted(&config.jitter.to_string()));
    add("rate", &|config| quoted(&rate(config.rate)));
    add("loss", &|config| quoted(&percent(config.loss)));
    add("duplicate", &|config| quoted(&percent(config.duplicate)));
    add("corrupt", &|config| quoted(&percent(config.corrupt)));
    add("reorder", &|config| quoted(&percent(config.reorder)));
    add("queue", &|config| queue(config.queue));
    if nic_mtu(net, link).is_none() {
        add("mtu", &|config| config.mtu.to_string());
    }
    if !net.engine().is_link_enabled(link) {
        keys.push(("up".to_owned(), "false".to_owned()));
    }
    keys
}

/// The key `mtu` of a host's interface. Where the link's `to` stands, it is the link's as well, the interface's own in the
/// direction away from it.
pub(super) fn mtu_of_interface(net: &Net, node: NodeIx, port: PortIx, mtu: u16) -> Option<String> {
    let back = link_from(net, node, port).map_or(1500, |link| net.engine().link_config(link.backward()).mtu);
    if link_from(net, node, port).is_none() {
        return (mtu != 1500).then(|| mtu.to_string());
    }
    both(&mtu.to_string(), &back.to_string(), "1500")
}

/// Lines for what the keys can't say: a link whose MTU is another than that of the interface where its `to` stands.
pub(super) fn changes(net: &Net) -> Vec<String> {
    let links = (0..net.engine().link_count() as u32).map(LinkIx);
    let lines = links.filter_map(|link| {
        let (nic, mtu) = (nic_mtu(net, link)?, net.engine().link_config(link.forward()).mtu);
        let [(node, port), _] = net.engine().ends(link);
        let line = || ovsdb::words::join(["link", &net.names().port(node, port), "mtu", &mtu.to_string(), "out"]);
        (u32::from(nic) != mtu).then(line)
    });
    lines.collect()
}

/// The MTU of the host's interface, or the server's NIC, at which a link's `to` stands.
fn nic_mtu(net: &Net, link: LinkIx) -> Option<u16> {
    let [(node, port), _] = net.engine().ends(link);
    let is_it = |nic: &&Interface| nic.port() == port && nic.vlan().is_none();
    let interface = match net.engine().node(node) {
        Device::Server(server) => server.configured().find(is_it),
        device => device.as_host()?.interfaces().iter().find(is_it),
    };
    interface.map(Interface::mtu)
}

/// The link whose first end is a port.
fn link_from(net: &Net, node: NodeIx, port: PortIx) -> Option<LinkIx> {
    let away = net.engine().direction_from(node, port)?;
    (away == away.link().forward()).then(|| away.link())
}

/// A value for both directions; `None` if it is the default in both.
fn both(out: &str, back: &str, default: &str) -> Option<String> {
    match out == back {
        true if out == default => None,
        true => Some(out.to_owned()),
        false => Some(format!("{{ out = {out}, in = {back} }}")),
    }
}

/// The shortest text that is read as exactly this probability.
fn percent(chance: Probability) -> String {
    let text = |digits: usize| format!("{:.digits$}%", chance.as_f64() * 100.0);
    let exact = (0..24).map(text).find(|text| units::percent(text) == Some(chance));
    exact.unwrap_or_else(|| text(24))
}

fn queue(limit: QueueLimit) -> String {
    match limit {
        QueueLimit::Frames(frames) => frames.to_string(),
        QueueLimit::Bytes(bytes) if bytes > 0 && bytes.is_multiple_of(1 << 10) => {
            quoted(&format!("{}KiB", bytes >> 10))
        }
        QueueLimit::Bytes(bytes) => quoted(&format!("{bytes}B")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_back_exactly() {
        for text in ["0%", "5%", "0.1%", "12.5%", "33.3%", "0.0001%", "99.999%", "100%", "1.000000001%", "7%", "29%"] {
            let chance = units::percent(text).expect("it is a share");
            assert_eq!(percent(chance), text);
        }
    }
}
