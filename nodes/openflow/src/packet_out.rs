//! Frames that a bridge is given from outside, with what is done with them (OpenFlow 1.5.1 section 7.3.6), in the words of
//! ovs-ofctl(8), "packet-out".

use packet::Match;

use crate::action::{self, Action};
use crate::error::{FlowError, FlowErrorKind};
use crate::text::{Found, Words};
use crate::{bytes, flow_mod, port};

/// A frame that a bridge is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketOut {
    /// The OpenFlow port that it seems to have come in by; 0xffff for none.
    pub in_port: u32,
    /// Registers, metadata and fields of a tunnel that it seems to have had.
    pub fields: Match,
    /// The frame, 14 bytes at least.
    pub bytes: Vec<u8>,
    /// What is done with it.
    pub actions: Vec<Action>,
}

/// The shortest frame that is one: two addresses and a type.
const MIN_LEN: usize = 14;
/// What a frame must be, for messages.
const FRAME: &str = "a frame in hexadecimal digits, 14 bytes at least";
/// Whose list the actions are.
const WITHIN: &str = "packet-out";

impl PacketOut {
    /// Reads `in_port=1,packet=HEX,actions=output:2`; fields that no frame has may stand beside `in_port`. A port may
    /// have a name that `ports` knows.
    ///
    /// # Errors
    /// The first wrong word.
    pub fn parse(text: &str, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Self, FlowError> {
        Self::parse_at(text, 0, ports)
    }

    /// The same from a byte of the text on.
    pub(crate) fn parse_at(text: &str, at: usize, ports: &dyn Fn(&str) -> Option<u32>) -> Result<Self, FlowError> {
        let (end, actions) = flow_mod::split(text, at);
        let mut read = Self { in_port: port::ANY, fields: Match::ANY, bytes: Vec::new(), actions: Vec::new() };
        // The fields, with blanks in place of the other words, so that their errors are in place.
        let mut fields = " ".repeat(at);
        let mut words = Words::from(&text[..end], at);
        while let Some(word) = words.next().map_err(|wrong| wrong.within(text))? {
            match word.name {
                "in_port" => {
                    let wrong = || word.bad("in_port", port::WANTED).within(text);
                    read.in_port = port::parse(word.value, ports).ok_or_else(wrong)?;
                }
                "packet" => {
                    let wrong = || word.bad("packet", FRAME).within(text);
                    read.bytes = frame(word.value).ok_or_else(wrong)?;
                }
                name if is_beside_a_frame(name) => {
                    fields.push_str(&" ".repeat(word.at - fields.len()));
                    fields.push_str(text.get(word.at..word.end).unwrap_or_default());
                }
                name => {
                    let word_of = crate::text::short(name);
                    let kind = FlowErrorKind::UnknownPart { word: word_of, within: WITHIN, nearest: None };
                    return Err(word.wrong(kind).within(text));
                }
            }
        }
        read.fields = Match::parse_with(&fields, ports)?;
        if read.bytes.is_empty() {
            let kind = FlowErrorKind::MissingWord { word: "packet", example: "=ffffffffffff0200000000010806.." };
            return Err(FlowError::at(text, end, kind));
        }
        if let Some(at) = actions {
            let list = action::parse_free(Words::from(text, at), WITHIN, ports);
            read.actions = list.map_err(|wrong| wrong.within(text))?;
        }
        Ok(read)
    }

    /// Reads a port, actions and a frame that stand alone, as the old form of `packet-out` has them.
    ///
    /// # Errors
    /// The first wrong word, in whichever of the texts.
    pub fn from_parts(
        in_port: &str,
        actions: &str,
        packet: &str,
        ports: &dyn Fn(&str) -> Option<u32>,
    ) -> Result<Self, FlowError> {
        let value = |word, text: &str, wanted| {
            FlowError::at(text, 0, FlowErrorKind::Value { word, value: crate::text::short(text), wanted })
        };
        let list: Found<Vec<Action>> = action::parse_free(Words::from(actions, 0), WITHIN, ports);
        Ok(Self {
            in_port: port::parse(in_port, ports).ok_or_else(|| value("in_port", in_port, port::WANTED))?,
            fields: Match::ANY,
            actions: list.map_err(|wrong| wrong.within(actions))?,
            bytes: frame(packet).ok_or_else(|| value("packet", packet, FRAME))?,
        })
    }
}

fn frame(text: &str) -> Option<Vec<u8>> {
    bytes::parse(text).filter(|bytes| bytes.len() >= MIN_LEN)
}

/// Whether a field is none of the frame's own.
fn is_beside_a_frame(name: &str) -> bool {
    let is_numbered = |start: &str| name.strip_prefix(start).is_some_and(|rest| rest.parse::<u8>().is_ok());
    matches!(name, "metadata" | "pkt_mark")
        || name.starts_with("tun_")
        || ["reg", "xreg", "xxreg"].into_iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &str = "ffffffffffff0000000000010800";

    fn read(text: &str) -> Result<PacketOut, String> {
        PacketOut::parse(text, &|name| (name == "p1").then_some(1)).map_err(|error| error.to_string())
    }

    #[test]
    fn both_forms_say_the_same() {
        let one = read(&format!("in_port=p1,packet={FRAME},actions=mod_vlan_vid:7,2")).unwrap();
        let other = PacketOut::from_parts("1", "mod_vlan_vid:7,2", FRAME, &|_| None).unwrap();
        assert_eq!(one, other);
        assert_eq!((one.in_port, one.bytes.len(), one.actions.len()), (1, 14, 2));
        assert_eq!(PacketOut::from_parts("none", "drop", FRAME, &|_| None).unwrap().in_port, 0xffff);
    }

    #[test]
    fn fields_that_no_frame_has_may_be_given() {
        let read = read(&format!("in_port=1 packet={FRAME} metadata=0x5,reg3=7,tun_id=9 actions=table")).unwrap();
        assert_eq!(read.fields.to_string(), "reg3=0x7,tun_id=0x9,metadata=0x5");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_column() {
        for (text, expected) in [
            ("in_port=1,actions=2", "column 11: packet is missing"),
            ("in_port=1,packet=fff,actions=2", "column 11: packet: `fff` is not a frame"),
            ("in_port=1,packet=ff,actions=2", "column 11: packet: `ff` is not a frame"),
            ("in_port=p9,packet=ff,actions=2", "column 1: in_port: `p9` is not a port"),
            ("in_port=1,tcp,packet=F,actions=2", "column 11: `tcp` is nothing that packet-out takes"),
            ("in_port=1,packet=F,actions=goto_table:2", "column 55: goto_table can't stand in packet-out"),
            ("in_port=1,packet=F,metadata=x,actions=2", "column 47: "),
        ] {
            let error = read(&text.replace("=F", &format!("={FRAME}"))).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
