//! What is wrong with a command line or a file is said in one go, with its place and the remedy, and exit code 2.

mod support;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Output;
use support::{netloom, tempdir};

/// A lab without mistakes.
const GOOD: &str = r#"
[switches.s1.ports]
h1 = { to = "h1" }
h2 = { to = "h2" }
[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.2/24"
"#;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempdir() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), content).expect("the directory is the test's own");
        self.path(name)
    }

    /// Runs netloom in the directory.
    fn run(&self, arguments: &[&str]) -> Output {
        netloom().current_dir(self.directory.path()).args(arguments).output().expect("netloom starts")
    }

    /// Runs netloom in the directory; it must refuse, print nothing to standard output, and say all of `parts`.
    #[track_caller]
    fn refused(&self, arguments: &[&str], parts: &[&str]) -> String {
        let output = self.run(arguments);
        let message = String::from_utf8(output.stderr).expect("netloom writes UTF-8");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {:?}", String::from_utf8_lossy(&output.stdout));
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: {part:?} isn't in\n{message}");
        }
        message
    }
}

/// Every command that reads a lab refuses the file, with a message that has all of `parts`.
#[track_caller]
fn refused_by_all(place: &Place, file: &str, parts: &[&str]) {
    for command in ["check", "validate", "pingall", "run"] {
        place.refused(&[command, file], parts);
    }
    place.refused(&["exec", file, "h1", "show", "ip"], parts);
}

#[test]
fn a_file_that_is_not_there() {
    refused_by_all(&Place::new(), "none.toml", &["none.toml: ", "no such file", "remedy: "]);
}

#[test]
fn a_directory() {
    refused_by_all(&Place::new(), ".", &[".: ", "is a directory", "remedy: "]);
}

#[test]
fn an_empty_file() {
    let place = Place::new();
    place.file("empty.toml", "");
    place.file("blank.toml", " \n\t\n");
    refused_by_all(&place, "empty.toml", &["empty.toml:1:1: ", "is empty", "remedy: "]);
    refused_by_all(&place, "blank.toml", &["blank.toml:1:1: ", "is empty", "remedy: "]);
}

#[test]
fn a_file_of_a_hundred_mebibytes_is_refused_unread() {
    let place = Place::new();
    let path = place.path("large.toml");
    File::create(&path).and_then(|file| file.set_len(100 << 20)).expect("the file system takes sparse files");
    refused_by_all(&place, "large.toml", &["large.toml: ", "16 MiB"]);
    // Reading it would need its size in memory: the limit makes the system refuse that.
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -v 65536 && exec \"$0\" check \"$1\"", env!("CARGO_BIN_EXE_netloom")])
        .arg(&path)
        .output()
        .expect("sh starts");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("16 MiB"), "{message}");
}

#[test]
fn a_device_without_an_end_is_refused_at_the_limit() {
    refused_by_all(&Place::new(), "/dev/zero", &["/dev/zero: ", "16 MiB"]);
}

#[test]
fn bytes_that_are_not_utf_8() {
    let place = Place::new();
    place.file("latin.toml", b"# caf\xe9\nname = \"x\"\n");
    place.file("later.toml", b"name = \"x\"\n[hosts]\nh\xff1 = 1\n");
    refused_by_all(&place, "latin.toml", &["latin.toml:1:6: ", "0xe9", "UTF-8", "remedy: "]);
    refused_by_all(&place, "later.toml", &["later.toml:3:2: ", "0xff", "remedy: "]);
}

#[test]
fn a_mistake_of_toml() {
    let place = Place::new();
    place.file("open.toml", "name = \"x\n[hosts]\n");
    place.file("twice.toml", "name = \"x\"\nseed = 1\nname = \"y\"\n");
    refused_by_all(&place, "open.toml", &["open.toml:1:", "string", "remedy: "]);
    refused_by_all(&place, "twice.toml", &["twice.toml:3:1: ", "duplicate", "remedy: "]);
}

#[test]
fn all_mistakes_of_a_file_in_one_go() {
    let place = Place::new();
    let lab = r#"[switches.s1.ports]
a = { tga = 9, to = "h1" }
b = { tag = 5000, to = "h2" }
c = { to = "h9" }
d = { to = "h4" }
[hosts]
h1 = "10.0.0.1/24"
h2 = "10.0.0.1/24"
h4 = "10.0.0.300/24"
[[checks]]
ping = { from = "h1", to = "h3" }
"#;
    place.file("many.toml", lab);
    for command in ["check", "validate"] {
        let message = place.refused(
            &[command, "many.toml"],
            &[
                "many.toml:2:7: ",
                "did you mean `tag`?",
                "many.toml:3:13: ",
                "0 to 4095",
                "many.toml:4:",
                "`h9`",
                "many.toml:8:6: ",
                "10.0.0.1",
                "many.toml:9:6: ",
                "many.toml:11:",
                "`h3`",
            ],
        );
        let remedies = message.lines().filter(|line| line.trim_start().starts_with("remedy: ")).count();
        assert_eq!(remedies, 6, "one for each mistake:\n{message}");
        let lines: Vec<u32> = message
            .lines()
            .filter_map(|line| line.strip_prefix("many.toml:")?.split(':').next()?.parse().ok())
            .collect();
        assert!(lines.is_sorted(), "in the file's order:\n{message}");
    }
}

#[test]
fn one_bad_lab_of_several_does_not_hide_the_others() {
    let place = Place::new();
    place.file("good.toml", format!("{GOOD}[[checks]]\nreach = [\"h1\", \"h2\"]\n"));
    place.file("bad.toml", "nam = \"x\"\n");
    let output = place.run(&["check", "bad.toml", "good.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("good: 1 passed, 0 failed"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("bad.toml:1:1: "));
}

/// [`GOOD`] with setup lines of s1, the first of which is line 4.
fn with_setup(lines: &str) -> String {
    format!("\n[switches.s1]\nsetup = '''\n{lines}\n'''{GOOD}")
}

#[test]
fn setup_lines_that_fail_are_named_by_their_lines() {
    let place = Place::new();
    let lines =
        "ovs-vsctl set port h1 tag=9\novs-vsctl set prot h2 tag=9\n\n# a comment\novs-vsctl set port h2 tag=5000";
    place.file("setup.toml", with_setup(lines));
    refused_by_all(&place, "setup.toml", &["setup.toml:5:", "prot", "setup.toml:8:", "5000"]);
}

#[test]
fn setup_lines_never_run_on_the_machine() {
    let place = Place::new();
    place.file("setup.toml", with_setup("ovs-vsctl show\ntouch here\nsudo touch there\n$(touch everywhere)"));
    refused_by_all(&place, "setup.toml", &["setup.toml:5:", "`touch`", "setup.toml:6:", "setup.toml:7:", "ovs-vsctl"]);
    assert!(["here", "there", "everywhere"].iter().all(|name| !place.path(name).exists()));
}

#[test]
fn a_setup_line_that_fails_is_reported_with_the_other_mistakes_of_the_file() {
    let place = Place::new();
    let wrong =
        "[hosts.h3]\nip = \"10.0.0.300/24\"\n[switches.s2]\nsetup = \"ovs-vsctl del-port nowhere\"\ncolour = 1\n";
    place.file("both.toml", format!("{}{wrong}", with_setup("ovs-vsctl set port nowhere tag=9")));
    let output = place.run(&["validate", "both.toml"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in ["nowhere\" in table Port", "10.0.0.300/24", "colour"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(!message.contains("del-port"), "what a switch with mistakes of its own would say is left out: {message}");
}

#[test]
fn an_event_that_fails_is_named_by_its_line() {
    let place = Place::new();
    place.file(
        "event.toml",
        format!("{GOOD}[[events]]\nat = \"1ms\"\ndo = \"s1 ovs-vsctl set prot h1 tag=9\"\n[[checks]]\nat = \"1s\"\nreach = [\"h1\", \"h2\"]\n"),
    );
    let output = place.run(&["check", "event.toml"]);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.starts_with("event.toml:10:6: error: ") && message.contains("prot"), "{message}");
    assert!(message.contains("remedy: "), "{message}");
}

#[test]
fn words_that_the_command_does_not_know() {
    let place = Place::new();
    place.file("lab.toml", GOOD);
    place.refused(&["chek", "lab.toml"], &["chek", "check"]);
    place.refused(&["check", "--frobnicate", "lab.toml"], &["--frobnicate"]);
    place.refused(&["check"], &["<LAB>"]);
    place.refused(&["check", "lab.toml", "--seed", "many"], &["--seed", "many"]);
    place.refused(&["check", "lab.toml", "--format", "yaml"], &["yaml", "text", "json"]);
    place.refused(&["check", "lab.toml", "-D", "seed"], &["-D seed", "="]);
    place.refused(&["check", "lab.toml", "-D", "switches.s1.ports.h1.tga=9"], &["tga", "did you mean `tag`?"]);
    place.refused(&["exec", "lab.toml"], &["COMMAND"]);
    place.refused(&["exec", "lab.toml", "--at", "soon", "h1", "show", "ip"], &["soon", "10ms"]);
    place.refused(&["run", "lab.toml", "--for", "5parsecs"], &["parsecs", "10ms"]);
    place.refused(&["generate", "blob"], &["blob"]);
    place.refused(&["generate", "tree", "--depth", "0"], &["0"]);
    place.refused(&["generate", "ring", "--switches", "2"], &["at least 3"]);
    place.refused(&["generate", "torus", "-x", "2"], &["at least 3"]);
    place.refused(&["generate", "tree", "--depth", "30", "--fanout", "30"], &["nodes"]);
    place.refused(&["generate", "linear", "--switches", "4294967295", "--hosts", "4294967295"], &["nodes"]);
}

#[test]
fn captures_that_cannot_be() {
    let place = Place::new();
    place.file("lab.toml", GOOD);
    let capture = |text: &str, parts: &[&str]| {
        for command in ["check", "pingall", "run"] {
            place.refused(&[command, "lab.toml", "--capture", text], parts);
        }
    };
    capture("s1:h3=x.pcapng", &["s1:h3", "did you mean `s1:h1`?"]);
    capture("s9:h1=x.pcapng", &["s9:h1", "did you mean `s1`?"]);
    capture("s1:h1", &["s1:h1", "a link and a file"]);
    capture("s1:h1=none/x.pcapng", &["none/x.pcapng", "No such file"]);
    capture("s1:h1=.", &["irectory"]);
}

#[test]
fn a_capture_of_an_unknown_link_leaves_no_file_behind() {
    let place = Place::new();
    place.file("lab.toml", GOOD);
    place.refused(&["check", "lab.toml", "--capture", "s1:h3=x.pcapng"], &["s1:h3"]);
    assert!(!place.path("x.pcapng").exists());
}

#[test]
fn bench_switch_on_what_is_no_capture() {
    let place = Place::new();
    place.file("text.pcap", GOOD);
    place.file("empty.pcap", "");
    place.file("header.pcap", b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0");
    place.file("cut.pcap", b"\xd4\xc3\xb2\xa1\x02\x00\x04");
    for (file, part) in [
        ("text.pcap", "not a capture"),
        ("empty.pcap", "empty"),
        ("header.pcap", "no frame"),
        ("cut.pcap", "cut.pcap"),
        ("none.pcap", "No such file"),
    ] {
        place.refused(&["bench", "switch", "--pcap", file, "--seconds", "0.1"], &[file, part]);
    }
}
