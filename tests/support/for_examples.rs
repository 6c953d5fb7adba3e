//! The list of the examples, as tests of one file each.

/// A module with a test for each example, called after it: `each_example!(passes, |name| ...)`.
macro_rules! each_example {
    ($module:ident, $check:expr) => {
        mod $module {
            $crate::for_examples::tests_of_examples! {
                $check;
                access_trunk_native = "access-trunk-native";
                broadcast_loop = "broadcast-loop";
                ipv6_neighbours = "ipv6-neighbours";
                link_failure = "link-failure";
                mac_table_overflow = "mac-table-overflow";
                qinq_provider = "qinq-provider";
                slow_lossy_wan = "slow-lossy-wan";
                bpdu_guard = "bpdu-guard";
                rapid_spanning_tree = "rapid-spanning-tree";
                services = "services";
                spanning_tree = "spanning-tree";
                tutorial_trunk = "tutorial-trunk";
                tutorial_vlans = "tutorial-vlans";
                vlan_two_servers = "vlan-two-servers";
                drop_port_80 = "drop-port-80";
                port_forwarding = "port-forwarding";
                arp_spoofing_guard = "arp-spoofing-guard";
                learning_in_tables = "learning-in-tables";
                load_balancer = "load-balancer";
                fast_failover = "fast-failover";
                rate_limit = "rate-limit";
                five_tables = "five-tables";
            }
        }
    };
}

/// What [`each_example`] expands to.
macro_rules! tests_of_examples {
    ($check:expr; $($test:ident = $name:literal;)*) => {
        /// The examples that have a test.
        #[allow(dead_code, reason = "one test file looks whether all examples are among them")]
        pub(super) const NAMES: &[&str] = &[$($name),*];
        $(
            #[test]
            fn $test() {
                let check: fn(&str) = $check;
                check($name);
            }
        )*
    };
}

pub(crate) use {each_example, tests_of_examples};
