//! What a word that can be typed is: an entry of the tables that help and completion read.

/// A command of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word itself.
    pub name: &'static str,
    /// What follows it, as a manual writes it: `HOST [-c COUNT]`. What is in capitals stands for something, and completion
    /// knows `HOST`, `NODE`, `NODE:PORT` and `COMMAND`; what is in small letters is typed as it is, `|` between choices;
    /// `[...]` may be left out; `..` behind the last says that it may be there several times.
    pub usage: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    /// Lines that only help about this very word shows: its options, their defaults.
    pub details: &'static str,
}

impl Word {
    /// An entry of a table.
    pub const fn new(name: &'static str, usage: &'static str, what: &'static str) -> Self {
        Self { name, usage, what, details: "" }
    }

    /// The entry with lines about its options.
    pub const fn with_details(self, details: &'static str) -> Self {
        Self { details, ..self }
    }

    /// Help about this word.
    pub fn about(&self) -> String {
        Self::list([self]) + self.details
    }

    /// The entries of a table as help lists them, one a line.
    pub fn list<'a>(words: impl IntoIterator<Item = &'a Self>) -> String {
        let mut text = String::new();
        for word in words {
            let usage = format!("{} {}", word.name, word.usage);
            let usage = usage.trim_end();
            // A long usage has a line of its own.
            let gap = if usage.len() > WIDTH { format!("\n{:WIDTH$}", "") } else { String::new() };
            text += &format!("{usage:<WIDTH$}{gap}  {}\n", word.what);
        }
        text
    }
}

/// The column in which help says what a word does.
const WIDTH: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_two_columns_and_a_long_usage_has_its_own_line() {
        let words = [
            Word::new("show", "[ip|arp]", "what there is"),
            Word::new("ping", "HOST [-c COUNT] [-s SIZE] [-i MS]", "echo"),
        ];
        assert_eq!(
            Word::list(&words),
            "show [ip|arp]                 what there is\n\
             ping HOST [-c COUNT] [-s SIZE] [-i MS]\n                              echo\n"
        );
        let word = words[0].with_details("    all   if nothing is said\n");
        assert_eq!(word.about(), "show [ip|arp]                 what there is\n    all   if nothing is said\n");
    }
}
