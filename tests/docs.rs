//! The pages in docs and the README are true: the files that they show load, and the commands that they show print what
//! is printed there.
//!
//! A block marked `toml NAME` or `text NAME` is a file. In a block marked `console` a line that begins with `$ netloom` or
//! `$ cargo run --release --` is a command, and what follows is its output; a line `...` stands for any lines. Commands
//! run one after the other in a directory that holds the files so far and the examples. Other commands, and those that
//! would wait for a person, are passed over.

mod support;

use std::fs;
use std::path::Path;

/// The pages.
const PAGES: &[&str] = &["README.md", "docs/tutorial.md", "docs/how-to.md"];

/// Beginnings of commands that run until somebody ends them.
const PEOPLE: &[&str] = &["run", "console", "capture", "events", "inspect", "stop", "link", "save"];

/// What a fenced block says of itself, and its lines.
struct Block<'a> {
    line: usize,
    info: &'a str,
    lines: Vec<&'a str>,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(info) if !inside => {
                blocks.push(Block { line: number + 1, info: info.trim(), lines: Vec::new() });
                inside = true;
            }
            Some(_) => inside = false,
            None if inside => blocks.last_mut().expect("a block is open").lines.push(line),
            None => {}
        }
    }
    blocks
}

/// Whether lines are as shown, where `...` stands for any.
fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        ["...", rest @ ..] => (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..])),
        [first, rest @ ..] => {
            printed.first().is_some_and(|line| line.trim_end() == first.trim_end()) && matches(rest, &printed[1..])
        }
    }
}

/// The words of a command, without the program's name; `None` if it is none of netloom's.
fn words(line: &str) -> Option<Vec<String>> {
    let command = line.strip_prefix("$ ")?;
    let rest = command.strip_prefix("netloom ").or_else(|| command.strip_prefix("cargo run --release -- "))?;
    Some(ovsdb::words::split(rest).expect("the command's quotes are closed"))
}

/// Runs a page's commands; gives how many there were.
fn check(page: &str) -> usize {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join(page)).expect("the page is there");
    let dir = support::tempdir();
    fs::create_dir(dir.path().join("examples")).expect("the directory is the test's own");
    for example in fs::read_dir(root.join("examples")).expect("the examples are there") {
        let example = example.expect("an entry").path();
        let name = example.file_name().expect("a file has a name");
        fs::copy(&example, dir.path().join("examples").join(name)).expect("an example can be read");
    }
    let mut run = 0;
    for block in blocks(&text) {
        if let Some(("toml" | "text", name)) = block.info.split_once(' ') {
            fs::write(dir.path().join(name), block.lines.join("\n") + "\n").expect("the directory is the test's own");
        }
        if block.info != "console" {
            continue;
        }
        let starts: Vec<usize> = (0..block.lines.len()).filter(|at| block.lines[*at].starts_with("$ ")).collect();
        for (number, &start) in starts.iter().enumerate() {
            let end = starts.get(number + 1).copied().unwrap_or(block.lines.len());
            let Some(words) = words(block.lines[start]) else { continue };
            if PEOPLE.contains(&words[0].as_str()) {
                continue;
            }
            let output = support::netloom().args(&words).current_dir(dir.path()).output().expect("the command runs");
            // A terminal shows warnings first.
            let printed = [output.stderr, output.stdout].concat();
            let printed = String::from_utf8_lossy(&printed);
            let printed: Vec<&str> = printed.lines().collect();
            let shown = &block.lines[start + 1..end];
            let place = format!("{page}:{}: {}", block.line + 1 + start, block.lines[start]);
            assert!(
                matches(shown, &printed),
                "{place}\nshown:\n{}\nprinted:\n{}",
                shown.join("\n"),
                printed.join("\n")
            );
            run += 1;
        }
    }
    run
}

#[test]
fn what_the_pages_show_is_what_the_command_prints() {
    for page in PAGES {
        assert!(check(page) > 0, "{page} shows no command that can be run");
    }
}
