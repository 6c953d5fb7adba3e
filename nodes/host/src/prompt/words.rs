//! The words of the prompt, with what follows each: `help` prints this, completion reads it.

use packet::Word;

/// The first words of a host's lines but for `help`, which lists them.
pub fn commands() -> &'static [Word] {
    COMMANDS
}

const COMMANDS: &[Word] = &[
    Word::new("arp", "", "the ARP table, as `show arp`"),
    Word::new("clear", "arp", "empties the ARP and neighbour table"),
    Word::new("close", "tcp|udp PORT", "a port is served no more"),
    Word::new("curl", "[-i] [-I] [-v] [-s] [-m SECONDS] URL", "fetches a page and prints its body").with_details(
        "    -i                  with headers\n    \
             -I                  headers alone\n    \
             -v                  with what is said\n    \
             -s                  accepted: no progress is shown anyway\n    \
             -m SECONDS          how long it may take, 10 if not told\n",
    ),
    Word::new("http", "get|PORT [URL]", "serves a page that names this host; `http get URL` fetches one").with_details(
        "    PORT                serves the page there\n    \
             get URL             prints the status line and the body\n",
    ),
    Word::new("ip", "ADDRESS/LEN [GATEWAY]", "sets the address of the first interface, IPv4 or IPv6"),
    Word::new(
        "iperf",
        "[-s] [-c HOST] [-u] [-p PORT] [-1] [-t SECONDS] [-n BYTES] [-i SECONDS] [-b RATE] [-l BYTES] [-w BYTES] \
         [-P STREAMS]",
        "measures the way to a host where `iperf -s` serves",
    )
    .with_details(
        "    -s                  serves, in the background: `show log` prints the reports\n    \
             -c HOST             measures\n    \
             -u, -p PORT         UDP; the port, 5001 if not told\n    \
             -1                  serves one client only\n    \
             -t SECONDS          how long, 10 if not told\n    \
             -n BYTES            how much, instead\n    \
             -i SECONDS          from one line to the next\n    \
             -b RATE             bits a second, as in 10M\n    \
             -l BYTES, -w BYTES  of each datagram; of the buffers\n    \
             -P STREAMS          how many side by side\n",
    ),
    Word::new("listen", "tcp|udp PORT [echo|discard|chargen]", "serves echo, if not told, discard or chargen"),
    Word::new("nc", "[-u] [-v] [-z] [-l] [-k] [-w SECONDS] [-e SERVICE] HOST PORT [TEXT ..]", "connects, or listens")
        .with_details(
            "    HOST PORT TEXT      sends the text, prints what comes until the peer closes\n    \
                 -u                  UDP\n    \
                 -v                  says what happens\n    \
                 -w SECONDS          how long to wait, for a connection and for more\n    \
                 -z                  only tries PORT, or all of FIRST-LAST\n    \
                 -l PORT             waits for a connection and prints what comes\n    \
                 -l -k PORT          the same for ever, in the background: `show log` prints it\n    \
                 -l -e SERVICE PORT  serves echo, discard or chargen instead, in the background\n",
        ),
    Word::new("netstat", "", "what listens and what is connected"),
    Word::new("ping", "HOST [-c COUNT] [-s SIZE] [-l SIZE] [-i MS] [-w MS] [-T TTL] [-D]", "sends echo requests")
        .with_details(
            "    -c COUNT            how many, 5 if not told\n    \
                 -s SIZE, -l SIZE    bytes of data, 56 if not told\n    \
                 -i MS               milliseconds from one to the next, 1000 if not told\n    \
                 -w MS               milliseconds to wait for each reply, 1000 if not told\n    \
                 -T TTL              time to live, 64 if not told\n    \
                 -D                  don't fragment\n",
        ),
    Word::new("show", "[all|arp|ip|ipv6|log|sockets]", "interfaces, addresses, neighbours, what servers printed"),
    Word::new("ss", "", "as netstat"),
    Word::new("trace", "HOST [-P udp|icmp] [-m HOPS]", "the routers on the way to a host").with_details(
        "    -P udp|icmp         how to ask, udp if not told\n    \
             -m HOPS             the most, 8 if not told\n",
    ),
];
