//! From a file or a text to a [`Lab`], or to all of its mistakes.

use crate::error::{Diagnostic, Severity};
use crate::lab::{Key, Lab, LabNode, resolve};
use crate::spec::report::Report;
use crate::spec::tree::Entry;
use crate::spec::{self, Files, LabSpec, Pos, Reader, Source, tree};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The most bytes of a lab file; larger ones are refused unread.
pub const MAX_FILE_SIZE: u64 = 16 << 20;

/// A key of the file to set, as the dotted path of `-D key=value`, and its value: TOML, or else a string.
/// `--seed N` is the override of `seed`.
pub type Override = (String, String);

/// A lab, and what looks wrong in it.
#[derive(Clone, Debug)]
pub struct LoadedLab {
    /// The lab.
    pub lab: Lab,
    /// Warnings, in the order of their places.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a lab file.
///
/// # Errors
/// Every mistake of the file, with the warnings between them, in the order of their places; or why it can't be read.
pub fn load(path: &Path, overrides: &[Override]) -> Result<LoadedLab, Vec<Diagnostic>> {
    let text = read_text(path)?;
    parse_parts(&path.display().to_string(), &text, None, Files::beside(path), overrides).map(|(loaded, _)| loaded)
}

/// Reads a lab file with the checks of another file instead of its own. That file may be a lab of its own: all else in
/// it is passed over.
///
/// # Errors
/// Every mistake of the lab file and of the checks, each with its own file; or why one can't be read.
pub fn load_with_checks(path: &Path, checks: &Path, overrides: &[Override]) -> Result<LoadedLab, Vec<Diagnostic>> {
    let texts = [path, checks].map(|path| read_text(path).map(|text| (path.display().to_string(), text)));
    match texts {
        [Ok((file, text)), Ok((checks, of_checks))] => {
            parse_parts(&file, &text, Some((&checks, &of_checks)), Files::beside(path), overrides)
                .map(|(loaded, _)| loaded)
        }
        texts => Err(texts.into_iter().filter_map(Result::err).flatten().collect()),
    }
}

/// A file's text.
pub(crate) fn read_text(path: &Path) -> Result<String, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let bytes = read_file(path).map_err(|(message, remedy)| vec![of_file(&name, 0, 0, message, remedy)])?;
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid_up_to) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let valid = std::str::from_utf8(&bytes[..valid_up_to]).unwrap_or_default();
        let (line, column) = Source::file(&name, valid).place(valid.len() as u32);
        let byte = bytes.get(valid_up_to).copied().unwrap_or_default();
        let message = format!("the byte 0x{byte:02x} is not UTF-8");
        vec![of_file(&name, line, column, message, "save the file as UTF-8".to_owned())]
    })
}

/// Reads a lab's text; `file` is what diagnostics call it, and without `.toml` the name of a lab that has none.
///
/// # Errors
/// Every mistake of the text, with the warnings between them, in the order of their places.
pub fn parse(file: &str, text: &str, overrides: &[Override]) -> Result<LoadedLab, Vec<Diagnostic>> {
    parse_parts(file, text, None, Files::none(), overrides).map(|(loaded, _)| loaded)
}

/// What was typed, kept to find the places of keys.
#[derive(Debug)]
pub(crate) struct Typed {
    /// The top level, overrides put into it.
    pub(crate) root: Vec<Entry>,
    /// An empty report on the same text.
    pub(crate) report: Report,
}

/// As [`parse`] with files beside the text, and keeps what was typed.
pub(crate) fn parse_typed(
    file: &str,
    text: &str,
    files: Files,
    overrides: &[Override],
) -> Result<(LoadedLab, Typed), Vec<Diagnostic>> {
    parse_parts(file, text, None, files, overrides)
}

/// As [`parse_typed`]; `checks` is the name and the text of a file with checks to take instead.
fn parse_parts(
    file: &str,
    text: &str,
    checks: Option<(&str, &str)>,
    files: Files,
    overrides: &[Override],
) -> Result<(LoadedLab, Typed), Vec<Diagnostic>> {
    let (spec, mut reader, root) = read_spec(file, text, checks, files, overrides)?;
    let lab = resolve(&mut reader, spec, &default_name(file));
    let failed = reader.report.has_errors();
    let report = reader.report.emptied();
    let mut diagnostics = reader.report.finish();
    match lab {
        Some(lab) if !failed => Ok((LoadedLab { lab, warnings: diagnostics }, Typed { root, report })),
        draft => {
            diagnostics
                .extend(draft.iter().flat_map(|draft| setup_mistakes(file, draft, &diagnostics)).collect::<Vec<_>>());
            diagnostics.sort_by_key(|found| (found.line == 0, found.line, found.column));
            Err(diagnostics)
        }
    }
}

/// What the nodes that are not to blame refuse of their setup lines, so that it is reported with the file's other
/// mistakes and not after them.
fn setup_mistakes(file: &str, draft: &Lab, known: &[Diagnostic]) -> Vec<Diagnostic> {
    let is_to_blame = |node: &LabNode| {
        let path = format!("{}.{}", node.kind.table(), Key(&node.name));
        let is_of_it = |key: &str| key.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        known.iter().any(|found| found.severity == Severity::Error && is_of_it(&found.key))
    };
    let sound = draft.nodes().iter().filter(|node| !is_to_blame(node));
    let refused = sound.flat_map(|node| crate::run::try_setup(draft, node));
    refused.map(|error| error.diagnostic(file)).collect()
}

/// Reads what was typed, mistakes included in the reader's report.
fn read_spec(
    file: &str,
    text: &str,
    checks: Option<(&str, &str)>,
    files: Files,
    overrides: &[Override],
) -> Result<(LabSpec, Reader, Vec<Entry>), Vec<Diagnostic>> {
    if text.len() as u64 > MAX_FILE_SIZE {
        let (message, remedy) = too_large(text.len() as u64);
        return Err(vec![of_file(file, 0, 0, message, remedy)]);
    }
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        let remedy = "add hosts and switches, as in [hosts] and h1 = \"10.0.0.1/8\"".to_owned();
        return Err(vec![of_file(file, 1, 1, "the file is empty".to_owned(), remedy)]);
    }
    let mut report = Report::new(Source::file(file, text));
    let root = tree::parse(&mut report, 0, text);
    let checks = checks.map(|(file, text)| read_checks(&mut report, file, text));
    let Some(mut root) = root else {
        return Err(report.finish());
    };
    match checks {
        None => {}
        Some(Some(checks)) => {
            root.retain(|entry| entry.key != CHECKS);
            root.push(checks);
        }
        Some(None) => return Err(report.finish()),
    }
    for (key, value) in overrides {
        tree::define(&mut report, &mut root, key, value);
    }
    let mut reader = Reader::new(report, files);
    let spec = spec::read(&mut reader, &root);
    Ok((spec, reader, root))
}

/// The key of the checks.
const CHECKS: &str = "checks";

/// The checks of a file of checks. Its mistakes go to the report.
fn read_checks(report: &mut Report, file: &str, text: &str) -> Option<Entry> {
    let number = report.add_source(Source::file(file, text));
    let root = tree::parse(report, number, text)?;
    let checks = root.into_iter().find(|entry| entry.key == CHECKS);
    if checks.is_none() {
        let pos = Pos { source: number, offset: 0 };
        report.error(pos, CHECKS, "the file has no checks", "add one, as in [[checks]] and reach = [\"h1\", \"h2\"]");
    }
    checks
}

/// The name of a lab that doesn't say its own.
fn default_name(file: &str) -> String {
    Path::new(file).file_stem().map_or_else(|| "lab".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The bytes of a file of at most [`MAX_FILE_SIZE`]; else what is wrong, and what to do.
fn read_file(path: &Path) -> Result<Vec<u8>, (String, String)> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => ("there is no such file".to_owned(), "check the path".to_owned()),
        _ => (format!("can't be read: {error}"), "check the file's kind and its permissions".to_owned()),
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(("is a directory".to_owned(), "name a lab file in it".to_owned()));
    }
    if metadata.len() > MAX_FILE_SIZE {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
    // A device or a pipe says nothing of its size beforehand.
    File::open(path).and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(("has more than 16 MiB".to_owned(), "a lab file has at most 16 MiB".to_owned()));
    }
    Ok(bytes)
}

fn too_large(size: u64) -> (String, String) {
    (format!("has {size} bytes"), "a lab file has at most 16 MiB".to_owned())
}

fn of_file(file: &str, line: u32, column: u32, message: String, remedy: String) -> Diagnostic {
    Diagnostic { severity: Severity::Error, file: file.into(), line, column, key: String::new(), message, remedy }
}
