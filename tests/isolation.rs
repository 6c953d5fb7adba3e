//! `apart` can fail: without its VLANs, no example keeps anybody apart. And a check of a sender that sends nothing
//! proves nothing.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{netloom, tempdir};

/// The columns that make VLANs.
const VLAN_KEYS: [&str; 4] = ["tag", "trunks", "cvlans", "vlan_mode"];

/// Checks a lab; gives the exit code and the report.
fn check(lab: &str) -> (Option<i32>, Value) {
    let directory = tempdir();
    let file = directory.path().join("lab.toml");
    fs::write(&file, lab).expect("the directory is the test's own");
    let output = netloom().arg("check").arg(&file).args(["--format", "json"]).output().expect("netloom starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    (output.status.code(), report)
}

/// The results of a report as name, status and detail.
fn results(report: &Value) -> Vec<(&str, &str, &str)> {
    let text = |check: &'_ Value, key: &str| -> &str { check[key].as_str().expect("a string").to_owned().leak() };
    let checks = report["checks"].as_array().expect("a list of checks");
    checks.iter().map(|check| (text(check, "name"), text(check, "status"), text(check, "detail"))).collect()
}

/// Runs an example without its VLAN configuration: all `apart` checks fail and name the frame that arrived.
fn without_vlans(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("toml");
    let mut lab: toml::Table = fs::read_to_string(file).expect("the example is there").parse().expect("it is TOML");
    let mut removed = 0;
    for (_, switch) in lab.get_mut("switches").and_then(toml::Value::as_table_mut).into_iter().flatten() {
        for (_, port) in switch["ports"].as_table_mut().expect("a table of ports") {
            let port = port.as_table_mut().expect("a table of columns");
            removed += VLAN_KEYS.iter().filter(|key| port.remove(**key).is_some()).count();
        }
    }
    for (_, server) in lab.get_mut("servers").and_then(toml::Value::as_table_mut).into_iter().flatten() {
        let setup = server["setup"].as_str().expect("lines");
        let is_vlan =
            |word: &&str| VLAN_KEYS.iter().any(|key| word.strip_prefix(key).is_some_and(|v| v.starts_with('=')));
        removed += setup.split_whitespace().filter(is_vlan).count();
        let without = |line: &str| line.split(' ').filter(|word| !is_vlan(word)).collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = setup.lines().map(without).collect();
        server["setup"] = toml::Value::String(lines.join("\n"));
    }
    assert!(removed > 0, "{name} has no VLAN configuration");
    let kinds: Vec<&str> = lab["checks"]
        .as_array()
        .expect("a list of checks")
        .iter()
        .map(|check| {
            if check.get("apart").is_some() {
                "apart"
            } else if check.get("reach").is_some() {
                "reach"
            } else {
                ""
            }
        })
        .collect();
    assert!(kinds.contains(&"apart"), "{name} keeps nobody apart");
    let (code, report) = check(&lab.to_string());
    assert_eq!(code, Some(1));
    for (kind, (check, status, detail)) in kinds.iter().zip(results(&report)) {
        match *kind {
            "apart" => {
                assert_eq!(status, "failed", "{check}: {detail}");
                assert!(detail.starts_with("a frame of ") && detail.contains(" arrived at "), "{check}: {detail}");
            }
            // One network is one network all the more.
            "reach" => assert_eq!(status, "passed", "{check}: {detail}"),
            _ => {}
        }
    }
}

#[test]
fn vlan_two_servers_without_vlans_keeps_nobody_apart() {
    without_vlans("vlan-two-servers");
}

#[test]
fn access_trunk_native_without_vlans_keeps_nobody_apart() {
    without_vlans("access-trunk-native");
}

#[test]
fn qinq_provider_without_vlans_keeps_nobody_apart() {
    without_vlans("qinq-provider");
}

#[test]
fn tutorial_vlans_without_vlans_keeps_nobody_apart() {
    without_vlans("tutorial-vlans");
}

#[test]
fn tutorial_trunk_without_vlans_keeps_nobody_apart() {
    without_vlans("tutorial-trunk");
}

#[test]
fn every_example_with_an_apart_check_is_tested_without_its_vlans() {
    let tested = ["access-trunk-native", "qinq-provider", "tutorial-trunk", "tutorial-vlans", "vlan-two-servers"];
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("the examples are there") {
        let path = entry.expect("a file").path();
        if fs::read_to_string(&path).expect("the example is there").contains("\napart = ") {
            found.push(path.file_stem().expect("a name").to_string_lossy().into_owned());
        }
    }
    found.sort();
    assert_eq!(found, tested);
}

#[test]
fn one_port_in_the_wrong_vlan_is_enough() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/vlan-two-servers.toml");
    let lab = fs::read_to_string(file).expect("the example is there");
    let wrong = lab.replace("b1 = { tag = 19, to", "b1 = { tag = 9, to");
    assert_ne!(lab, wrong);
    let (code, report) = check(&wrong);
    assert_eq!(code, Some(1));
    let apart: Vec<_> = results(&report).into_iter().filter(|(name, ..)| name.contains("is apart from")).collect();
    assert_eq!(apart.len(), 2);
    assert!(apart.iter().all(|(_, status, _)| *status == "failed"), "{apart:?}");
}

#[test]
fn a_sender_without_a_route_makes_an_unreachable_check_vacuous() {
    let lab = "[hosts]\na = { ip = \"10.0.0.1/24\", to = \"b\" }\nb = \"10.9.0.2/24\"\n\
               [[checks]]\nping = { from = \"a\", to = \"b\", expect = \"unreachable\" }\n";
    let (code, report) = check(lab);
    assert_eq!(code, Some(3), "{report}");
    assert_eq!((&report["passed"], &report["failed"], &report["vacuous"]), (&0.into(), &0.into(), &1.into()));
    let results = results(&report);
    assert_eq!(results[0].1, "vacuous");
    assert!(results[0].2.contains("a put no frame on a wire"), "{results:?}");
}

#[test]
fn a_sender_with_a_route_makes_the_same_check_pass() {
    // With a gateway that isn't there, a asks for its address: a frame, so the check proves something.
    let lab = "[hosts]\na = { ip = \"10.0.0.1/24\", gateway = \"10.0.0.9\", to = \"b\" }\nb = \"10.9.0.2/24\"\n\
               [[checks]]\nping = { from = \"a\", to = \"b\", expect = \"unreachable\" }\n";
    let (code, report) = check(lab);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn senders_without_a_link_make_an_apart_check_vacuous() {
    for link in ["", ", up = false"] {
        let to = if link.is_empty() { "" } else { ", to = \"b\"" };
        let lab = format!(
            "[hosts]\na = {{ ip = \"10.0.0.1/24\"{to}{link} }}\nb = \"10.0.0.2/24\"\n[[checks]]\napart = [\"a\", \"b\"]\n"
        );
        let (code, report) = check(&lab);
        assert_eq!(code, Some(3), "{lab}{report}");
        let results = results(&report);
        assert_eq!(results[0].1, "vacuous", "{results:?}");
        assert!(results[0].2.contains("put no frame on a wire"), "{results:?}");
    }
}

#[test]
fn vacuous_beside_passed_proves_not_all_and_beside_failed_is_a_failure() {
    let with = |other: &str| {
        check(&format!(
            "[hosts]\na = {{ ip = \"10.0.0.1/24\", to = \"b\" }}\nb = \"10.0.0.2/24\"\nc = \"10.0.0.3/24\"\n\
             [[checks]]\napart = [\"a\", \"c\"]\n[[checks]]\n{other}\n"
        ))
    };
    let (code, report) = with("reach = [\"a\", \"b\"]");
    assert_eq!((code, &report["passed"], &report["vacuous"]), (Some(3), &1.into(), &1.into()), "{report}");
    let (code, report) = with("apart = [\"a\", \"b\"]");
    assert_eq!((code, &report["failed"], &report["vacuous"]), (Some(1), &1.into(), &1.into()), "{report}");
}

#[test]
fn a_lab_without_checks_proves_nothing() {
    let (code, report) = check("[hosts]\na = { ip = \"10.0.0.1/24\", to = \"b\" }\nb = \"10.0.0.2/24\"\n");
    assert_eq!(code, Some(3), "{report}");
}
