//! The files that a lab file names: flows, for `flows = "FILE"` and lines of ovs-ofctl.
//!
//! A lab file is data, and may come from anybody. So only files beside it or below are read, none that a link leads to from
//! there, and no more of them than a lab file may have.

use super::source::Pos;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The most bytes of all files that a lab file names.
const MAX_TOTAL_SIZE: u64 = 16 << 20;

/// A file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The name that the lab file has for it.
    pub name: String,
    /// What it holds.
    pub text: Arc<str>,
}

/// A file that a key names.
#[derive(Clone, Debug)]
pub struct FileValue {
    /// The file.
    pub file: NamedFile,
    /// Where the key stands.
    pub pos: Pos,
}

/// Why a file isn't read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// There is none of the name.
    Missing(String),
    /// There is one, or the name may not be read: what is wrong.
    Refused(String, &'static str),
}

impl Unread {
    /// What is wrong, and what to do.
    pub(crate) fn told(self) -> (String, String) {
        match self {
            Self::Missing(name) => (format!("there is no file `{name}` beside the lab file"), BESIDE.to_owned()),
            Self::Refused(message, remedy) => (message, remedy.to_owned()),
        }
    }
}

/// Which files there are.
const BESIDE: &str = "name a file beside the lab file or below it, as in \"flows.txt\"";

/// Where a lab file's files are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// The lab file's directory; a lab that is no file has none.
    dir: Option<PathBuf>,
    budget: u64,
}

impl Files {
    /// None: the lab is a text alone.
    pub(crate) fn none() -> Self {
        Self { dir: None, budget: 0 }
    }

    /// Those beside a lab file and below.
    pub(crate) fn beside(file: &Path) -> Self {
        let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Self { dir: Some(dir.to_owned()), budget: MAX_TOTAL_SIZE }
    }

    /// Reads one.
    pub(crate) fn read(&mut self, name: &str) -> Result<NamedFile, Unread> {
        let refused = |message: String, remedy| Err(Unread::Refused(message, remedy));
        let is_below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if name.is_empty() || !Path::new(name).components().all(is_below) {
            return refused(format!("`{name}` leads away from the lab file"), BESIDE);
        }
        let Some(dir) = &self.dir else {
            return refused(format!("`{name}`: this lab is no file and has none beside it"), "save the lab");
        };
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Unread::Missing(name.to_owned()),
            _ => {
                let message = format!("`{name}` can't be read: {error}");
                Unread::Refused(message, "check the file's kind and its permissions")
            }
        };
        let path = dir.join(name).canonicalize().map_err(unreadable)?;
        if !path.starts_with(dir.canonicalize().map_err(unreadable)?) {
            return refused(format!("`{name}` is a link that leads away from the lab file"), BESIDE);
        }
        if !path.is_file() {
            return refused(format!("`{name}` is no file"), BESIDE);
        }
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(self.budget + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        let Some(budget) = self.budget.checked_sub(bytes.len() as u64) else {
            return refused("the files that the lab names have more than 16 MiB".to_owned(), "take fewer flows");
        };
        self.budget = budget;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(NamedFile { name: name.to_owned(), text: text.into() }),
            Err(_) => refused(format!("`{name}` isn't UTF-8"), "save it as UTF-8"),
        }
    }
}
