//! Meters in the words of ovs-ofctl(8): read as `add-meter` does, printed as `dump-meters` does.

use std::fmt;

use super::{Band, BandKind, Meter, MeterUnit};
use crate::error::{FlowError, FlowErrorKind};
use crate::number;
use crate::text::{Found, Word, Words, Wrong, short};

const ID: &str = "a meter: 1 to 4294901760, controller or slowpath";
const U32: &str = "a number from 0 to 4294967295";

/// The words of a meter and of its bands.
const WORDS: &[&str] =
    &["meter", "kbps", "pktps", "burst", "stats", "bands", "type", "rate", "burst_size", "prec_level"];

impl Meter {
    /// Reads a meter: `meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100`.
    ///
    /// # Errors
    /// The first wrong word.
    pub fn parse(text: &str) -> Result<Meter, FlowError> {
        read(text).map_err(|wrong| wrong.within(text))
    }

    /// Reads which meter a command means: `meter=1`, `meter=controller`, or `None` for `meter=all` and no text.
    ///
    /// # Errors
    /// The wrong word.
    pub fn parse_id(text: &str) -> Result<Option<u32>, FlowError> {
        let read = || {
            let mut words = Words::from(text, 0);
            let mut found = None;
            while let Some(word) = words.next()? {
                match word.name {
                    "meter" if word.value == "all" => found = None,
                    "meter" => found = Some(id(&word)?),
                    _ => return Err(unknown(&word)),
                }
            }
            Ok(found)
        };
        read().map_err(|wrong: Wrong| wrong.within(text))
    }
}

fn read(text: &str) -> Found<Meter> {
    let missing = |word, example| Wrong { at: text.len(), kind: FlowErrorKind::MissingWord { word, example } };
    let (mut number, mut unit, mut burst, mut stats) = (None, None, false, false);
    let mut words = Words::from(text, 0);
    let mut bands = Vec::new();
    let mut has_bands = false;
    while let Some(word) = words.next()? {
        match word.name {
            // The first band's first word may stand behind `bands=` or, in a dump, on the next line.
            "bands" | "band" => {
                has_bands = true;
                if let Some(first) = word.words().next()? {
                    band_word(&first, &mut bands)?;
                }
            }
            _ if has_bands => band_word(&word, &mut bands)?,
            "meter" => number = Some(id(&word)?),
            "kbps" | "pktps" => {
                let (name, this) =
                    if word.name == "kbps" { ("kbps", MeterUnit::Kbps) } else { ("pktps", MeterUnit::Pktps) };
                word.bare(name)?;
                if unit.replace(this).is_some_and(|unit| unit != this) {
                    return Err(word.wrong(FlowErrorKind::Unfit("a meter counts either kbps or pktps")));
                }
            }
            "burst" => {
                word.bare("burst")?;
                burst = true;
            }
            "stats" => {
                word.bare("stats")?;
                stats = true;
            }
            _ => return Err(unknown(&word)),
        }
    }
    let id = number.ok_or_else(|| missing("meter", "=1"))?;
    let unit = unit.ok_or_else(|| missing("kbps or pktps", "... meter=1,kbps,bands=type=drop,rate=1000"))?;
    if bands.is_empty() {
        return Err(missing("bands", "=type=drop,rate=1000"));
    }
    let bands = bands.into_iter().map(|band: Draft| band.finished(burst)).collect::<Found<_>>()?;
    Ok(Meter { id, unit, burst, stats, bands })
}

/// A band that is being read.
struct Draft {
    at: usize,
    remarks: bool,
    rate: Option<u32>,
    burst: Option<u32>,
    prec_level: Option<u8>,
}

/// Takes a word of a band; `type` begins the next one.
fn band_word(word: &Word<'_>, bands: &mut Vec<Draft>) -> Found<()> {
    if word.name == "type" {
        let remarks = match word.value {
            "drop" => false,
            "dscp_remark" => true,
            _ => return Err(word.bad("type", "what a band does: drop or dscp_remark")),
        };
        bands.push(Draft { at: word.at, remarks, rate: None, burst: None, prec_level: None });
        return Ok(());
    }
    let first = word.wrong(FlowErrorKind::Unfit("a band begins with its type: bands=type=drop,rate=1000"));
    let Some(band) = bands.last_mut() else { return Err(first) };
    match word.name {
        "rate" => band.rate = Some(word.number("rate", U32)?),
        "burst_size" => band.burst = Some(word.number("burst_size", U32)?),
        "prec_level" => band.prec_level = Some(word.number("prec_level", "a number from 0 to 255")?),
        _ => return Err(unknown(word)),
    }
    Ok(())
}

impl Draft {
    /// The band, if its words fit together and to the meter's `burst`.
    fn finished(self, has_bursts: bool) -> Found<Band> {
        let unfit = |what| Err(Wrong { at: self.at, kind: FlowErrorKind::Unfit(what) });
        let Some(rate) = self.rate else { return unfit("a band needs a rate: type=drop,rate=1000") };
        let burst = match (has_bursts, self.burst) {
            (true, None) => return unfit("a band of a meter with burst needs burst_size"),
            (false, Some(_)) => return unfit("burst_size needs burst before bands"),
            (_, burst) => burst.unwrap_or(0),
        };
        let kind = match (self.remarks, self.prec_level) {
            (false, None) => BandKind::Drop,
            (false, Some(_)) => return unfit("prec_level is for bands with type=dscp_remark"),
            (true, level) => BandKind::DscpRemark(level.unwrap_or(0)),
        };
        Ok(Band { kind, rate, burst })
    }
}

/// A meter's number or name.
fn id(word: &Word<'_>) -> Found<u32> {
    match word.needed("meter", "=1")? {
        "controller" => Ok(Meter::CONTROLLER),
        "slowpath" => Ok(Meter::SLOWPATH),
        text => {
            let id = number::parse(text).filter(|id| (1..=Meter::MAX_ID).contains(id));
            id.ok_or_else(|| word.bad("meter", ID))
        }
    }
}

fn unknown(word: &Word<'_>) -> Wrong {
    let nearest = packet::nearest(word.name, WORDS.iter().copied());
    word.wrong(FlowErrorKind::UnknownPart { word: short(word.name), within: "a meter", nearest })
}

/// Prints the meter as an entry of `dump-meters`: a line, and one for each band.
impl fmt::Display for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            Meter::CONTROLLER => f.write_str("meter=controller")?,
            Meter::SLOWPATH => f.write_str("meter=slowpath")?,
            id => write!(f, "meter={id}")?,
        }
        f.write_str(match self.unit {
            MeterUnit::Kbps => " kbps",
            MeterUnit::Pktps => " pktps",
        })?;
        f.write_str(if self.burst { " burst" } else { "" })?;
        f.write_str(if self.stats { " stats" } else { "" })?;
        f.write_str(" bands=")?;
        for band in &self.bands {
            match band.kind {
                BandKind::Drop => write!(f, "\ntype=drop rate={}", band.rate)?,
                BandKind::DscpRemark(_) => write!(f, "\ntype=dscp_remark rate={}", band.rate)?,
            }
            if self.burst {
                write!(f, " burst_size={}", band.burst)?;
            }
            if let BandKind::DscpRemark(level) = band.kind {
                write!(f, " prec_level={level}")?;
            }
        }
        Ok(())
    }
}
