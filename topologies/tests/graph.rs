//! Drawings of labs: what is in them, and that hostile names stay text.

use std::path::{Path, PathBuf};
use topologies::graph::{GraphFormat, graph};
use topologies::{Lab, load, parse};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn example(name: &str) -> Lab {
    load(&root().join("examples").join(name).with_extension("toml"), &[]).expect("it is right").lab
}

fn examples() -> Vec<Lab> {
    let files = root().join("examples").read_dir().expect("it is there").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    files.iter().map(|file| load(file, &[]).expect("it is right").lab).collect()
}

/// A lab whose names try to be something else in every format.
fn hostile() -> Lab {
    let text = r#"
name = "</title><script>alert(1)</script>\u0007\u001b[31m"
[switches."s\"]--x"]
[switches."s\"]--x".ports]
"<b>&amp;" = { tag = 9, to = "h|1;#`{}" }
"p\\n\\" = { to = "click" }
[hosts]
"h|1;#`{}" = "10.0.0.1/24"
click = "10.0.0.2/24"
"日本語" = { ip = "10.0.0.3/24", to = "s\"]--x:third" }
"#;
    parse("hostile.toml", text, &[]).expect("the names are names").lab
}

#[test]
fn text_lists_links_once_with_vlans_and_what_is_unusual() {
    assert_eq!(
        graph(&example("vlan-two-servers"), GraphFormat::Text),
        "vlan-two-servers: 6 nodes, 5 links\n\
         \n\
         s1 (switch)\n\
         \x20 |-- trunk [trunks 9,19] --- s2:trunk [trunks 9,19] (delay 200us)\n\
         \x20 |-- a1 [tag 9]          --- a1:eth0 192.168.9.1/24\n\
         \x20 |-- a2 [tag 9]          --- a2:eth0 192.168.9.2/24\n\
         \x20 `-- b1 [tag 19]         --- b1:eth0 192.168.9.4/24\n\
         \n\
         s2 (switch)\n\
         \x20 `-- a3 [tag 9] --- a3:eth0 192.168.9.3/24\n"
    );
    let failing = graph(&example("link-failure"), GraphFormat::Text);
    assert!(failing.contains("  |-- spare - - s2:spare (down)\n"), "{failing}");
}

#[test]
fn text_is_readable_at_80_columns() {
    for lab in examples() {
        let text = graph(&lab, GraphFormat::Text);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{}: {line}", lab.name());
        }
        let wide = text.lines().filter(|line| line.chars().count() > 80).count();
        assert!(wide <= 2, "{wide} lines of {} are wider than a terminal:\n{text}", lab.name());
        for node in lab.nodes() {
            assert!(text.contains(&node.name), "{} is not in:\n{text}", node.name);
        }
    }
}

#[test]
fn mermaid_of_two_examples() {
    assert_eq!(
        graph(&example("link-failure"), GraphFormat::Mermaid),
        "graph LR\n  n0[\"s1\"]\n  n1[\"s2\"]\n  n2([\"h1<br/>10.0.0.1/24\"])\n  n3([\"h2<br/>10.0.0.2/24\"])\n\
         \x20 n0 ---|\"main : main\"| n1\n  n0 -.-|\"spare : spare<br/>down\"| n1\n  n0 ---|\"h1 : eth0\"| n2\n\
         \x20 n1 ---|\"h2 : eth0\"| n3\n"
    );
    assert_eq!(
        graph(&example("slow-lossy-wan"), GraphFormat::Mermaid),
        "graph LR\n  n0[\"paris\"]\n  n1[\"lyon\"]\n  n2([\"alice<br/>10.1.0.1/24\"])\n  n3([\"bob<br/>10.1.0.2/24\"])\n\
         \x20 n0 ---|\"wan : wan<br/>delay 40ms, jitter 5ms, rate 2Mbit, loss 10%\"| n1\n  n0 ---|\"alice : eth0\"| n2\n\
         \x20 n1 ---|\"bob : eth0\"| n3\n"
    );
}

#[test]
fn mermaid_escapes_names() {
    let text = graph(&hostile(), GraphFormat::Mermaid);
    assert!(text.contains("n0[\"s#34;]--x\"]"), "{text}");
    assert!(text.contains("h#124;1#59;#35;#96;#123;#125;"), "{text}");
    for line in text.lines().skip(1) {
        assert_eq!(line.matches('"').count(), 2, "{line}");
    }
}

#[test]
fn dot_has_a_statement_a_node_and_a_link_and_quotes_all_text() {
    for lab in examples().into_iter().chain([hostile()]) {
        let text = graph(&lab, GraphFormat::Dot);
        assert!(text.starts_with("graph \"") && text.ends_with("}\n"), "{text}");
        assert_eq!(text.matches(" -- n").count(), lab.links().len(), "{text}");
        assert_eq!(text.lines().filter(|line| line.contains("shape=")).count(), lab.nodes().len(), "{text}");
        for line in text.lines() {
            assert_eq!(unescaped_quotes(line) % 2, 0, "{line}");
            assert!(!line.chars().any(char::is_control), "{line}");
        }
    }
    let text = graph(&example("link-failure"), GraphFormat::Dot);
    assert!(
        text.contains("n0 -- n1 [taillabel=\"spare\", headlabel=\"spare\", label=\"down\", style=dashed];"),
        "{text}"
    );
    let text = graph(&hostile(), GraphFormat::Dot);
    assert!(text.contains(r#"label="s\"]--x""#) && text.contains(r#"taillabel="p\\n\\""#), "{text}");
}

fn unescaped_quotes(line: &str) -> usize {
    let mut escaped = false;
    let is_quote = |c: char| {
        let quote = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        quote
    };
    line.chars().filter(|&c| c == '"' || c == '\\' || c.is_ascii()).map(is_quote).filter(|quote| *quote).count()
}

/// A text's box: left, right, top, bottom.
fn boxes(document: &roxmltree::Document<'_>) -> Vec<([f64; 4], String)> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts
        .map(|node| {
            let number = |key| node.attribute(key).and_then(|n| n.parse::<f64>().ok()).expect("a number");
            let text = node.text().unwrap_or_default().to_owned();
            let half = text.chars().map(|c| if c.is_ascii() { 6.6 } else { 13.2 }).sum::<f64>() / 2.0;
            ([number("x") - half, number("x") + half, number("y") - 9.0, number("y") + 2.0], text)
        })
        .collect()
}

#[test]
fn svg_is_xml_and_no_text_lies_on_another() {
    for lab in examples().into_iter().chain([hostile()]) {
        let text = graph(&lab, GraphFormat::Svg);
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let size = |key| document.root_element().attribute(key).and_then(|n| n.parse::<f64>().ok()).expect("a size");
        let boxes = boxes(&document);
        assert!(boxes.len() > lab.nodes().len() + lab.links().len());
        for (at, (a, text)) in boxes.iter().enumerate() {
            assert!(a[0] >= 0.0 && a[1] <= size("width") && a[2] >= 0.0 && a[3] <= size("height"), "{text} at {a:?}");
            for (b, other) in &boxes[..at] {
                let apart = a[1] <= b[0] || b[1] <= a[0] || a[3] <= b[2] || b[3] <= a[2];
                assert!(apart, "{}: `{text}` lies on `{other}`", lab.name());
            }
        }
        let elements: Vec<&str> =
            document.descendants().filter(roxmltree::Node::is_element).map(|e| e.tag_name().name()).collect();
        assert!(elements.iter().all(|name| ["svg", "title", "rect", "path", "text"].contains(name)), "{elements:?}");
        let down = lab.links().iter().filter(|link| link.config.down).count();
        assert_eq!(text.matches("stroke-dasharray").count(), down);
    }
}

#[test]
fn every_format_is_the_same_twice_and_takes_a_thousand_switches() {
    let text =
        topologies::generate(topologies::Pattern::Linear { switches: 1000, hosts: 2 }).expect("it is small enough");
    let large = parse("large.toml", &text, &[]).expect("it is right").lab;
    for lab in [example("qinq-provider"), large] {
        for format in [GraphFormat::Text, GraphFormat::Dot, GraphFormat::Mermaid, GraphFormat::Svg] {
            assert!(graph(&lab, format) == graph(&lab, format));
        }
    }
}
