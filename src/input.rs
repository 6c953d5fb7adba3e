//! Reading the lab that a command line names.

use crate::cli::{CaptureArgs, LabArgs};
use crate::output::Failure;
use pcap::Format;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::Path;
use topologies::run::{CaptureError, EventError, Net, Session, SetupError, Sink};
use topologies::{Diagnostic, LoadedLab, MAX_FILE_SIZE, Override};

/// The lab that `run` starts without a file.
pub(crate) const BUILT_IN: &str = include_str!("../examples/vlan-two-servers.toml");

/// Reads a lab file, or the lab that is built in. Warnings go to standard error.
pub(crate) fn load(file: Option<&Path>, args: &LabArgs) -> Result<LoadedLab, Failure> {
    let overrides = overrides(args)?;
    let loaded = match file {
        Some(path) => topologies::load(path, &overrides),
        None => topologies::parse("built-in.toml", BUILT_IN, &overrides),
    };
    loaded.map_err(|mistakes| Failure::mistakes(&mistakes))
}

/// Gives a node the files that a typed line names, from where the person is. What a lab file says reads none but its own.
pub(crate) fn give_files(session: &mut Session, words: &[String]) {
    let Some((node, line)) = words.split_first() else { return };
    for name in switch::files_of(line) {
        let mut text = String::new();
        let file = File::open(&name).map(|file| file.take(MAX_FILE_SIZE));
        // The command itself says of a file that it hasn't been given.
        if file.and_then(|mut file| file.read_to_string(&mut text)).is_ok() {
            session.give_file(node, &name, &text);
        }
    }
}

/// The file's keys that the command line sets.
pub(crate) fn overrides(args: &LabArgs) -> Result<Vec<Override>, Failure> {
    let mut overrides = Vec::new();
    for text in &args.define {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("-D {text}: a key and its value, as in `-D seed=2`")));
        };
        overrides.push((key.trim().to_owned(), value.to_owned()));
    }
    if let Some(seed) = args.seed {
        overrides.push(("seed".to_owned(), seed.to_string()));
    }
    Ok(overrides)
}

/// Reads a lab and makes it, with its captures open. Warnings are printed unless the caller asks for quiet.
pub(crate) fn session(file: Option<&Path>, args: &LabArgs, captures: &CaptureArgs) -> Result<Session, Failure> {
    let loaded = load(file, args)?;
    print_warnings(&loaded.warnings);
    let name = file_name(file);
    let mut session = Session::new(loaded.lab).map_err(|errors| Failure::mistakes(&located(&name, &errors)))?;
    open_captures(session.net_mut(), captures)?;
    Ok(session)
}

/// Setup lines that failed, as mistakes of the file.
pub(crate) fn located(file: &str, errors: &[SetupError]) -> Vec<Diagnostic> {
    errors.iter().map(|error| error.diagnostic(file)).collect()
}

/// The events that failed, as mistakes of the file.
pub(crate) fn failed_events(file: Option<&Path>, session: &mut Session) -> Vec<String> {
    let name = file_name(file);
    let text = |EventError { place: (line, column), message }: EventError| {
        let remedy = "correct the line: `help` at the prompt lists what can be typed";
        format!("{name}:{line}:{column}: error: {message}\n  remedy: {remedy}")
    };
    session.take_errors().into_iter().map(text).collect()
}

/// Prints the events that failed to standard error.
pub(crate) fn print_failed_events(file: Option<&Path>, session: &mut Session) {
    for error in failed_events(file, session) {
        eprintln!("{error}");
    }
}

/// What diagnostics call the lab file.
fn file_name(file: Option<&Path>) -> String {
    file.map_or_else(|| "built-in.toml".to_owned(), |path| path.display().to_string())
}

/// Prints warnings to standard error.
pub(crate) fn print_warnings(warnings: &[Diagnostic]) {
    for warning in warnings {
        eprintln!("{warning}");
    }
}

/// Opens the captures of a command line.
pub(crate) fn open_captures(net: &mut Net, args: &CaptureArgs) -> Result<(), Failure> {
    for text in &args.captures {
        let Some((link, file)) = text.split_once('=') else {
            return Err(Failure::usage(format!("--capture {text}: a link and a file, as in `s1:trunk=trunk.pcapng`")));
        };
        if link != "all" {
            // Before the file is made.
            net.find_link(link).map_err(|error| Failure::usage(CaptureError::from(error)))?;
        }
        let sink: Sink = if file == "-" {
            Box::new(io::stdout())
        } else {
            let file = File::create(file).map_err(|error| Failure::usage(format!("{file}: {error}")))?;
            Box::new(BufWriter::new(file))
        };
        net.capture(link, sink, Format::for_path(file)).map_err(Failure::usage)?;
    }
    Ok(())
}

/// Ends the captures; what couldn't be written is a failure.
pub(crate) fn finish_captures(net: &mut Net) -> Result<(), Failure> {
    net.finish_captures().map_err(|error| Failure::usage(format!("capture: {error}")))
}

/// A span of lab time on the command line, as in `1ms`.
pub(crate) fn parse_time(text: &str) -> Result<sim_core::Duration, String> {
    topologies::parse_duration(text)
}
