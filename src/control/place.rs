//! Where sockets are, who owns one, and which labs run.
//!
//! A lab's socket is `NAME.sock` in the user's own directory: `$XDG_RUNTIME_DIR/netloom`, else `netloom-UID` in `$TMPDIR` or
//! /tmp. Beside it is `NAME.lock`, which the owner holds locked (flock(2)) as long as it lives, so that a socket that was
//! left behind is told from one that is in use, also by two labs that start at the same moment. Both files go away with
//! the lab. Directory 0700, files 0600.

use rustix::fs::OFlags;
use rustix::process::{getuid, umask};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The longest path that a unix socket's address holds, without the zero behind it.
const MAX_PATH: usize = 107;

/// Why a lab has no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// Another lab has it.
    #[error(
        "a lab of the name `{name}` runs already (pid {pid}): give this one another name with `--name`, or stop that one with `netloom stop {name}`"
    )]
    Taken { name: String, pid: String },
    /// The path of `--socket` is in use.
    #[error(
        "{path} is the socket of a lab that runs (pid {pid}): name another path, or stop that lab with `netloom stop {path}`"
    )]
    TakenPath { path: String, pid: String },
    /// The path is too long.
    #[error(
        "the socket's path {0} is longer than {MAX_PATH} bytes: choose a shorter one with `--socket PATH`, or a shorter name with `--name`"
    )]
    TooLong(String),
    /// Something else is there.
    #[error("{0} is there and is no socket: name another path with `--socket`, or remove it")]
    NoSocket(String),
    /// The directory isn't the user's own.
    #[error(
        "{0} must be a directory of your own that nobody else can enter (mode 0700): correct it, or name another place with `--socket PATH`"
    )]
    NotPrivate(String),
    /// The system says no.
    #[error("the control socket {path}: {error}; `--no-socket` goes without")]
    Io { path: String, error: io::Error },
}

/// The directory of this user's sockets.
pub(crate) fn directory() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
    // After `su` it may name a directory that isn't there.
    match named("XDG_RUNTIME_DIR").filter(|runtime| runtime.is_dir()) {
        Some(runtime) => runtime.join("netloom"),
        None => {
            let base = named("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
            base.join(format!("netloom-{}", getuid().as_raw()))
        }
    }
}

/// The socket of the lab called `name`.
pub(crate) fn socket_of(name: &str) -> PathBuf {
    directory().join(safe(name) + ".sock")
}

/// A lab's name as it may stand in a path: letters, digits and `_ - .` stay, all else becomes `%XX`, and so does a dot at the
/// start.
fn safe(name: &str) -> String {
    let mut text = String::new();
    for (place, &byte) in name.as_bytes().iter().enumerate() {
        match byte {
            b'.' if place > 0 => text.push('.'),
            b'_' | b'-' => text.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => text.push(char::from(byte)),
            byte => text += &format!("%{byte:02X}"),
        }
    }
    text
}

/// A socket that is ours until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    path: PathBuf,
    lock_path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Claim {
    /// The socket's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While the lock is held nobody else has put files of theirs here.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// Claims the socket of the lab called `name`, or the one at `path`, and listens on it.
///
/// # Errors
/// Another lab has it, or it can't be made.
pub(crate) fn claim(name: &str, path: Option<&Path>) -> Result<(Claim, UnixListener), PlaceError> {
    let socket = match path {
        Some(path) => path.to_owned(),
        None => {
            let directory = directory();
            make_private(&directory)?;
            socket_of(name)
        }
    };
    let shown = socket.display().to_string();
    if socket.as_os_str().len() > MAX_PATH {
        return Err(PlaceError::TooLong(shown));
    }
    let io_error = |error| PlaceError::Io { path: shown.clone(), error };
    let lock_path = match path {
        Some(_) => with_suffix(&socket, ".lock"),
        None => socket.with_extension("lock"),
    };
    let lock = match lock(&lock_path).map_err(io_error)? {
        Lock::Ours(lock) => lock,
        Lock::Theirs(pid) if path.is_some() => return Err(PlaceError::TakenPath { path: shown, pid }),
        Lock::Theirs(pid) => return Err(PlaceError::Taken { name: name.to_owned(), pid }),
    };
    match fs::symlink_metadata(&socket) {
        // Its owner is dead: it would hold the lock.
        Ok(found) if found.file_type().is_socket() => fs::remove_file(&socket).map_err(io_error)?,
        Ok(_) => {
            let _ = fs::remove_file(&lock_path);
            return Err(PlaceError::NoSocket(shown));
        }
        Err(_) => {}
    }
    let claim = Claim { path: socket, lock_path, _lock: lock };
    // Threads start later: nobody else makes files meanwhile.
    let before = umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(&claim.path);
    umask(before);
    Ok((claim, listener.map_err(io_error)?))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = OsString::from(path);
    text.push(suffix);
    text.into()
}

/// Makes a directory that only its owner can enter, or sees that it is one.
fn make_private(directory: &Path) -> Result<(), PlaceError> {
    let shown = || directory.display().to_string();
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(PlaceError::Io { path: shown(), error });
        }
        _ => {}
    }
    let found = fs::symlink_metadata(directory).map_err(|error| PlaceError::Io { path: shown(), error })?;
    if !found.is_dir() || found.uid() != getuid().as_raw() {
        return Err(PlaceError::NotPrivate(shown()));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return Err(PlaceError::NotPrivate(shown()));
    }
    Ok(())
}

enum Lock {
    Ours(File),
    /// Another process holds it: its pid as it wrote it down.
    Theirs(String),
}

/// Takes the lock, and writes our pid into it.
fn lock(path: &Path) -> io::Result<Lock> {
    loop {
        // Where others can write too, what is there may lead to a file that is nobody's lock: it would be emptied.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                file.take(32).read_to_string(&mut pid)?;
                return Ok(Lock::Theirs(pid.trim().to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A lab that ended meanwhile may have removed the file that we opened: then the lock is of no use.
        let ours = file.metadata()?;
        match fs::metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {}
            _ => continue,
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        return Ok(Lock::Ours(file));
    }
}

/// The sockets of this user, by name. Some may be stale.
pub(crate) fn sockets() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory()) else { return Vec::new() };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut sockets: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|e| e == "sock")).collect();
    sockets.sort();
    sockets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_safe_for_a_path_and_stays_different_from_others() {
        assert_eq!(safe("vlan-two_servers.2"), "vlan-two_servers.2");
        assert_eq!(safe("../etc/passwd"), "%2E.%2Fetc%2Fpasswd");
        assert_eq!(safe("a b\u{1b}ü"), "a%20b%1B%C3%BC");
        assert_ne!(safe("a/b"), safe("a%2Fb"));
    }

    #[test]
    fn a_socket_belongs_to_one_owner_and_goes_with_it() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("x.sock");
        let (claim, _listener) = self::claim("x", Some(&path)).expect("nobody else is there");
        let error = self::claim("x", Some(&path)).expect_err("it is taken").to_string();
        assert!(error.contains(&format!("pid {}", std::process::id())), "{error}");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&with_suffix(&path, ".lock"))), (0o600, 0o600));
        drop(claim);
        assert_eq!(fs::read_dir(directory.path()).expect("it is there").count(), 0);
        // One that was left behind.
        drop(UnixListener::bind(&path).expect("the directory is the test's own"));
        drop(self::claim("x", Some(&path)).expect("its owner is gone"));
        fs::write(&path, "a file").expect("the directory is the test's own");
        let error = self::claim("x", Some(&path)).expect_err("a file is no socket").to_string();
        assert!(error.contains("is no socket"), "{error}");
        assert!(path.exists());
    }

    #[test]
    fn a_lock_that_leads_elsewhere_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let (path, precious) = (directory.path().join("x.sock"), directory.path().join("precious"));
        fs::write(&precious, "kept").expect("the directory is the test's own");
        std::os::unix::fs::symlink(&precious, with_suffix(&path, ".lock")).expect("the directory is the test's own");
        self::claim("x", Some(&path)).expect_err("it is no lock");
        assert_eq!(fs::read_to_string(&precious).expect("it is there"), "kept");
    }
}
