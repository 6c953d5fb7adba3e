//! Standard input that is a pipe or a file: lines, read on a thread of their own, since a lab doesn't wait for them.

use std::io::{BufRead, Read, stdin};
use std::sync::mpsc::{Receiver, Sender, sync_channel};

/// Lines that may wait for the lab.
const WAITING_LINES: usize = 64;
/// The longest line that the prompt takes, in bytes.
pub(super) const MAX_LINE: usize = 64 << 10;

/// A line of standard input.
#[derive(Debug)]
pub(super) enum Line {
    Text(String),
    /// Longer than [`MAX_LINE`]; it is gone.
    TooLong,
    /// There are no more.
    End,
}

/// Starts to read. The lab takes something from what this gives for each line that it has done, so that no more than
/// [`WAITING_LINES`] wait.
pub(super) fn read<M: From<Line> + Send + 'static>(hub: Sender<M>) -> Receiver<()> {
    let (ask, done) = sync_channel(WAITING_LINES);
    std::thread::spawn(move || {
        let mut input = stdin().lock();
        while let Some(line) = read_line(&mut input) {
            if ask.send(()).is_err() || hub.send(M::from(line)).is_err() {
                return;
            }
        }
        // The lab may have ended before its input.
        let _ = hub.send(M::from(Line::End));
    });
    done
}

/// The next line; of one that is too long nothing is kept. `None` at the end of input.
fn read_line(input: &mut impl BufRead) -> Option<Line> {
    let mut line = Vec::new();
    let len = input.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line).ok()?;
    if len == MAX_LINE && line.last() != Some(&b'\n') {
        input.skip_until(b'\n').ok()?;
        return Some(Line::TooLong);
    }
    (len > 0).then(|| Line::Text(String::from_utf8_lossy(&line).into_owned()))
}
