//! Helpers of the root package's integration tests: the command, directories of a test's own, and the peers.

#![allow(dead_code, unused_imports, reason = "each test file uses a part of the helpers")]

use std::process::Command;

pub(crate) mod peers;

pub(crate) use peers::{long, needs, tshark_fields, tshark_warnings};

/// The command under test, without the caller's `NETLOOM_` variables.
pub(crate) fn netloom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netloom"));
    command.env_remove("NETLOOM_TEST_WITH").env_remove("NETLOOM_LONG").env("NO_COLOR", "1");
    command
}

/// An empty directory, removed with all that is in it when the value is dropped. Its path is short enough for a unix
/// socket.
pub(crate) fn tempdir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("netloom-").tempdir().expect("a directory can be made below the temporary one")
}
