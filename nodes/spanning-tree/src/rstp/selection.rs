//! Port role selection machine: IEEE 802.1D-2004 clause 17.28 and updtRolesTree (17.21.25).

use super::port::Information;
use super::times::Times;
use super::vector::Priority;
use super::{Bridge, own_priority};
use crate::Role;

impl Bridge {
    /// Selects the root and every port's role, and puts the bridge's own vector in force where it is designated.
    pub(super) fn select_roles(&mut self) {
        let id = self.config.id;
        let bridge_times = Times::of_bridge(&self.config);
        let received = self.ports.iter().enumerate().filter(|(_, port)| {
            // What comes from this bridge is no way to the root.
            port.information == Information::Received && port.priority.bridge.address() != id.address()
        });
        let best = received.map(|(index, port)| (port.priority.over(port.config.path_cost), port.id(), index)).min();
        let root = best.filter(|(priority, ..)| *priority < own_priority(id));
        (self.root_priority, self.root_port, self.root_times) = match root {
            Some((priority, port, index)) => (priority, Some(port), self.ports[index].times.one_hop_on()),
            None => (own_priority(id), None, bridge_times),
        };
        let root = root.map(|(.., index)| index);

        let Priority { root: root_id, root_path_cost, .. } = self.root_priority;
        for (index, port) in self.ports.iter_mut().enumerate() {
            port.designated_priority = Priority { root: root_id, root_path_cost, bridge: id, port: port.id() };
            port.designated_times = Times { hello_time: bridge_times.hello_time, ..self.root_times };
            let is_own = port.priority.bridge.address() == id.address();
            let is_current = port.priority == port.designated_priority && port.times == port.designated_times;
            let (role, must_update) = match port.information {
                Information::Disabled => (Role::Disabled, false),
                Information::Aged => (Role::Designated, true),
                Information::Mine => (Role::Designated, !is_current),
                Information::Received if root == Some(index) => (Role::Root, false),
                Information::Received if port.designated_priority < port.priority => (Role::Designated, true),
                Information::Received if is_own => (Role::Backup, false),
                Information::Received => (Role::Alternate, false),
            };
            port.selected_role = role;
            if role == Role::Disabled {
                port.priority = port.designated_priority;
            }
            if must_update {
                port.update();
            }
        }
    }
}
