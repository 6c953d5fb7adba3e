//! The usage of a word, taken apart: what stands in which place of a line.

use packet::Word;

/// What may follow a word.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// What stands behind one another; each may be choices with `|` between them.
    places: Vec<&'static str>,
    /// Options, each with what follows it.
    pub(super) options: Vec<(&'static str, Option<&'static str>)>,
    /// Whether the last may be there several times.
    repeats: bool,
}

/// What a word of a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// An option, or nothing that the usage knows.
    Other,
    /// What the usage calls so: a placeholder, or choices.
    Of(&'static str),
    /// The same, behind an option.
    Value(&'static str),
}

impl Usage {
    pub(super) fn of(word: &Word) -> Self {
        let mut usage = Self::default();
        let mut tokens = word.usage.split_whitespace().filter(|token| *token != "|");
        while let Some(token) = tokens.next() {
            let bare = token.trim_matches(['[', ']']);
            if bare.starts_with('-') && !token.contains("|") {
                let has_value = !token.ends_with(']');
                let value = if has_value { tokens.next().map(|value| value.trim_matches(['[', ']'])) } else { None };
                usage.options.push((bare, value));
            } else if bare == ".." {
                usage.repeats = true;
            } else {
                usage.repeats |= bare.ends_with("..");
                usage.places.push(bare.trim_end_matches('.'));
            }
        }
        usage
    }

    /// What each word behind the command is.
    pub(super) fn places(&self, words: &[&str]) -> Vec<Place> {
        let (mut place, mut value) = (0, None);
        let mut places = Vec::new();
        for word in words {
            places.push(match value.take() {
                Some(kind) => Place::Value(kind),
                None if word.starts_with('-') && word.len() > 1 => {
                    value = self.value_of(word);
                    Place::Other
                }
                None => {
                    place += 1;
                    self.place(place - 1).map_or(Place::Other, Place::Of)
                }
            });
        }
        places
    }

    /// What would come behind these words.
    pub(super) fn next(&self, words: &[&str]) -> Place {
        let words: Vec<&str> = words.iter().copied().chain([""]).collect();
        self.places(&words).last().copied().unwrap_or(Place::Other)
    }

    fn place(&self, number: usize) -> Option<&'static str> {
        self.places.get(number).or(self.places.last().filter(|_| self.repeats)).copied()
    }

    /// What follows an option, if anything does; letters may be put together, as in `-nc 3`.
    fn value_of(&self, option: &str) -> Option<&'static str> {
        let known = |name: &str| self.options.iter().find(|(known, _)| *known == name);
        match known(option) {
            Some((_, value)) => *value,
            None => option.chars().last().and_then(|last| known(&format!("-{last}"))?.1),
        }
    }
}
