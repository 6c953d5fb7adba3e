//! `netloom capture`: frames of a running lab's links as they pass, into a file or a pipe that Wireshark reads.

use crate::control::client;
use crate::control::protocol::{Body, Request};
use crate::input;
use crate::output::{Failure, PASSED};
use clap::Args;
use sim_core::Duration;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

/// So much is read at once.
const CHUNK: usize = 256 << 10;

/// The arguments of `capture`.
#[derive(Debug, Args)]
pub(crate) struct CaptureCommandArgs {
    /// A lab that runs
    lab: String,
    /// Links by either end, as in `s1:trunk`, or `all`; then a filter, as in `icmp` or `ip,nw_src=10.0.0.1`
    #[arg(required = true, value_name = "LINK.. [FILTER]")]
    words: Vec<String>,
    /// Writes the capture (pcapng) there; `-` is standard output
    #[arg(short = 'w', value_name = "FILE")]
    file: String,
    /// Ends after so many frames
    #[arg(long, short = 'c', value_name = "N")]
    count: Option<u64>,
    /// Ends after so much lab time
    #[arg(long = "for", value_name = "T", value_parser = input::parse_time)]
    span: Option<Duration>,
}

/// Captures until the lab, a limit, Ctrl-C or the reader ends it.
pub(crate) fn run(args: &CaptureCommandArgs) -> Result<u8, Failure> {
    let (links, filter) = links_and_filter(&args.words);
    let mut lab = client::connect(&args.lab)?;
    let filter = (!filter.is_empty()).then_some(filter);
    let for_ns = args.span.map(Duration::as_nanos);
    lab.ask(&Request::Capture { links, filter, count: args.count, for_ns })?;
    match lab.reply()?.map(|reply| reply.body) {
        Some(Body::Ok(_)) => {}
        Some(Body::Error(problem)) => return Err(Failure::usage(problem.message)),
        _ => return Err(lab.ended()),
    }
    let (reading, writing) = lab.into_parts();
    end_on_signal(writing)?;
    let mut tally = Tally::default();
    let copied = match args.file.as_str() {
        "-" => copy(reading, io::stdout().lock(), &mut tally),
        path => {
            let file = File::create(path).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
            copy(reading, file, &mut tally)
        }
    };
    match copied {
        // Wireshark was closed, say.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        result => result.map_err(|error| Failure::usage(format!("capture: {error}")))?,
    }
    eprintln!("{} frames captured, {} lost", tally.packets, tally.lost);
    Ok(PASSED)
}

/// The words that name links, and those behind them as one filter. The first names a link in any case; another does if it
/// is `all` or has a ':' and nothing of a match.
fn links_and_filter(words: &[String]) -> (Vec<String>, String) {
    let is_link = |word: &str| word == "all" || (word.contains(':') && !word.contains(['=', ',']));
    let links = 1 + words.iter().skip(1).take_while(|word| is_link(word)).count();
    let (links, filter) = words.split_at(links.min(words.len()));
    (links.to_vec(), filter.join(","))
}

/// At Ctrl-C our half of the connection is closed: the lab ends the capture, and what it holds is still read.
fn end_on_signal(writing: UnixStream) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            let mut again = false;
            loop {
                let status = tokio::select! {
                    _ = interrupt.recv() => 130,
                    _ = terminate.recv() => 143,
                };
                if again || writing.shutdown(Shutdown::Write).is_err() {
                    std::process::exit(status);
                }
                again = true;
            }
        });
    });
    Ok(())
}

fn copy(mut from: impl Read, mut to: impl Write, tally: &mut Tally) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let size = match from.read(&mut buffer) {
            Ok(0) => return to.flush(),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A lab that was killed ends the capture as well.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return to.flush(),
            Err(error) => return Err(error),
        };
        tally.add(&buffer[..size]);
        to.write_all(&buffer[..size])?;
        // A frame shall be seen when it passes.
        to.flush()?;
    }
}

/// Counts the packets of a pcapng stream (draft-ietf-opsawg-pcapng, section 3.1), and reads in the statistics at its end
/// what was lost. The stream is our own lab's: little-endian, blocks of the sizes that they say.
#[derive(Debug, Default)]
struct Tally {
    packets: u64,
    lost: u64,
    /// The start of the block, as far as it is of interest.
    head: Vec<u8>,
    /// Bytes of the block that are still to come, once its size is known.
    left: Option<usize>,
}

const ENHANCED_PACKET: u32 = 6;
const INTERFACE_STATISTICS: u32 = 5;
/// `isb_ifdrop` stands there in the lab's statistics blocks, behind `isb_ifrecv`.
const LOST_AT: usize = 36;

impl Tally {
    fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if let Some(left) = &mut self.left {
                let size = bytes.len().min(*left);
                let wanted = size.min((LOST_AT + 8).saturating_sub(self.head.len()));
                self.head.extend_from_slice(&bytes[..wanted]);
                *left -= size;
                bytes = &bytes[size..];
                if *left == 0 {
                    self.end_block();
                }
                continue;
            }
            let size = bytes.len().min(8 - self.head.len());
            self.head.extend_from_slice(&bytes[..size]);
            bytes = &bytes[size..];
            if self.head.len() == 8 {
                let total = u32::from_le_bytes([self.head[4], self.head[5], self.head[6], self.head[7]]);
                self.left = Some((total as usize).saturating_sub(8));
                if self.left == Some(0) {
                    self.end_block();
                }
            }
        }
    }

    fn end_block(&mut self) {
        match self.head.first_chunk().map(|kind| u32::from_le_bytes(*kind)) {
            Some(ENHANCED_PACKET) => self.packets += 1,
            Some(INTERFACE_STATISTICS) => {
                let lost = self.head.get(LOST_AT..).and_then(<[u8]>::first_chunk);
                self.lost += lost.map_or(0, |lost| u64::from_le_bytes(*lost));
            }
            _ => {}
        }
        self.head.clear();
        self.left = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pcap::{Capture, Format, Section};

    #[test]
    fn links_come_first_and_what_follows_is_the_filter() {
        let check = |words: &[&str], links: &[&str], filter: &str| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            let (found, text) = links_and_filter(&words);
            assert_eq!(
                (found.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), text.as_str()),
                (links, filter)
            );
        };
        check(&["s1:trunk"], &["s1:trunk"], "");
        check(&["h1", "icmp"], &["h1"], "icmp");
        check(&["s1:1", "s2:1", "ip", "nw_src=10.0.0.1"], &["s1:1", "s2:1"], "ip,nw_src=10.0.0.1");
        check(&["all", "dl_src=02:00:00:00:00:01"], &["all"], "dl_src=02:00:00:00:00:01");
    }

    #[test]
    fn packets_and_losses_are_counted_however_the_stream_is_cut() {
        let mut capture = Capture::new(Vec::new(), Format::PcapNg, &Section { lab: "x", seed: 1 }).expect("it encodes");
        let ids = ["a:1 > b:1", "b:1 > a:1"].map(|name| capture.interface(name).expect("it encodes"));
        for time in 0..100 {
            capture
                .packet(ids[0], time, &vec![7; time as usize], (time % 3 == 0).then_some("why"))
                .expect("it encodes");
        }
        capture.statistics(ids[0], 100, 107, 7).expect("it encodes");
        capture.statistics(ids[1], 100, 2, 2).expect("it encodes");
        let bytes = capture.finish().expect("it encodes");
        for cut in [1, 3, 7, 8, 64, 4096] {
            let mut tally = Tally::default();
            bytes.chunks(cut).for_each(|chunk| tally.add(chunk));
            assert_eq!((tally.packets, tally.lost), (100, 9), "chunks of {cut}");
        }
    }
}
