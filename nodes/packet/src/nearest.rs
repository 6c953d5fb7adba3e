//! The known word that a mistyped one most likely means.

/// The candidate with the least edit distance to `word` (insertions, deletions, substitutions
/// and exchanges of neighbours count one each; case and `-` for `_` count nothing), the first of
/// equals. `None` if even that one needs more edits than a third of the word's length plus one.
///
/// ```
/// assert_eq!(packet::nearest("nw_srcc", ["nw_src", "nw_dst"]), Some("nw_src"));
/// assert_eq!(packet::nearest("colour", ["nw_src", "nw_dst"]), None);
/// ```
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // Nothing known is as long; the distance takes time in the product of the lengths.
    let word: Vec<char> = folded(word).take(MAX_LEN + 1).collect();
    if word.len() > MAX_LEN {
        return None;
    }
    let limit = word.len() / 3 + 1;
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let chars: Vec<char> = folded(candidate).take(MAX_LEN).collect();
        let distance = distance(&word, &chars);
        // A word of two letters is not a typo of every other word of two letters.
        if distance <= limit && distance < word.len().max(1) && best.is_none_or(|(d, _)| distance < d) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The longest word that is compared, in characters.
const MAX_LEN: usize = 64;

/// The characters that are compared.
fn folded(word: &str) -> impl Iterator<Item = char> {
    word.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() })
}

/// The optimal string alignment distance, row by row.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = core::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &str, b: &str, expected: usize) {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars(a), &chars(b)), expected, "{a} {b}");
        assert_eq!(distance(&chars(b), &chars(a)), expected, "{b} {a}");
    }

    #[test]
    fn distances() {
        check("", "", 0);
        check("", "abc", 3);
        check("kitten", "sitting", 3);
        check("tp_dts", "tp_dst", 1);
        check("flaw", "lawn", 2);
    }

    #[test]
    fn the_nearest_word_is_found_or_none() {
        let known = ["in_port", "dl_vlan", "dl_vlan_pcp", "nw_src"];
        assert_eq!(nearest("dl-vlan", known), Some("dl_vlan"));
        assert_eq!(nearest("INPORT", known), Some("in_port"));
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("xy", known), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None);
    }
}
