//! Rows as text: `--format`, `--data` and `--no-headings` of ovs-vsctl(8), "Table Formatting
//! Options".

use crate::atom::Atom;
use crate::datum::Datum;
use crate::row::Row;
use crate::schema::Column;
use crate::text::quote;
use crate::uuid::Uuid;

/// How rows are arranged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// Columns aligned below headings.
    Table,
    /// A line for each column of each row.
    #[default]
    List,
    /// A table in HTML.
    Html,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// JSON, with cells as in the OVSDB protocol (RFC 7047 section 5.1).
    Json,
}

impl Format {
    pub(super) fn named(name: &str) -> Option<Format> {
        Some(match name {
            "table" => Format::Table,
            "list" => Format::List,
            "html" => Format::Html,
            "csv" => Format::Csv,
            "json" => Format::Json,
            _ => return None,
        })
    }
}

/// How a cell is written, except in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cells {
    /// As `set` would read it.
    #[default]
    String,
    /// Without brackets and quotes.
    Bare,
    /// As JSON.
    Json,
}

impl Cells {
    pub(super) fn named(name: &str) -> Option<Cells> {
        Some(match name {
            "string" => Cells::String,
            "bare" => Cells::Bare,
            "json" => Cells::Json,
            _ => return None,
        })
    }
}

/// The formatting options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) format: Format,
    pub(super) cells: Cells,
    pub(super) headings: bool,
    /// JSON over several lines.
    pub(super) pretty: bool,
    /// Cells of a table are cut to so many bytes, though not below the width of their heading; 0 for
    /// no limit.
    pub(super) max_width: u64,
}

impl Default for Style {
    fn default() -> Style {
        Style { format: Format::default(), cells: Cells::default(), headings: true, pretty: false, max_width: 0 }
    }
}

/// Rows to print. `None` among the columns is the row's identifier.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Option<Column>>,
    rows: Vec<Vec<Datum>>,
}

impl Table {
    pub(super) fn new(columns: Vec<Option<Column>>) -> Table {
        Table { columns, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: &Row) {
        let cell = |column: &Option<Column>| match column {
            Some(column) => row.get(*column).clone(),
            None => Datum::from(row.uuid()),
        };
        self.rows.push(self.columns.iter().map(cell).collect());
    }

    fn headings(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.map_or("_uuid", Column::name))
    }

    fn cell(&self, cells: Cells, at: usize, datum: &Datum) -> String {
        match cells {
            Cells::Json => json(datum),
            Cells::Bare => bare(datum),
            Cells::String => match self.columns[at] {
                Some(column) => column.ty().print(datum),
                None => datum.to_string(),
            },
        }
    }

    /// Appends the table to `out`; `before` tables precede it in the output.
    pub(super) fn print(&self, style: &Style, before: usize, out: &mut String) {
        if before > 0 && style.format != Format::Json {
            out.push('\n');
        }
        match style.format {
            Format::Table => self.print_table(style, out),
            Format::List => self.print_list(style, out),
            Format::Html => self.print_html(style, out),
            Format::Csv => self.print_csv(style, out),
            Format::Json => self.print_json(style, out),
        }
    }

    fn lines(&self, cells: Cells) -> Vec<Vec<String>> {
        let line = |row: &Vec<Datum>| row.iter().enumerate().map(|(at, datum)| self.cell(cells, at, datum)).collect();
        self.rows.iter().map(line).collect()
    }

    fn print_table(&self, style: &Style, out: &mut String) {
        let mut lines: Vec<Vec<String>> = Vec::new();
        if style.headings {
            lines.push(self.headings().map(str::to_owned).collect());
        }
        lines.extend(self.lines(style.cells));
        // In bytes, as the original's.
        let limit = match usize::try_from(style.max_width) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(limit) => limit,
        };
        let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(String::len).max();
        let widths = self.headings().enumerate().map(|(at, heading)| {
            let least = if style.headings { heading.len() } else { 0 };
            width(at).unwrap_or(0).min(limit.max(least))
        });
        let widths: Vec<usize> = widths.collect();
        for line in &mut lines {
            for (cell, width) in line.iter_mut().zip(&widths) {
                cell.truncate(cell.floor_char_boundary(*width));
            }
        }
        if style.headings {
            lines.insert(1, widths.iter().map(|width| "-".repeat(*width)).collect());
        }
        for line in lines {
            let pad =
                |(cell, width): (&String, &usize)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.len())));
            let cells = line.iter().zip(&widths).map(pad);
            let text = cells.collect::<Vec<_>>().join(" ");
            out.push_str(text.trim_end_matches(' '));
            out.push('\n');
        }
    }

    fn print_list(&self, style: &Style, out: &mut String) {
        for (index, line) in self.lines(style.cells).iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            for (heading, cell) in self.headings().zip(line) {
                if style.headings {
                    out.push_str(&format!("{heading:<20}: "));
                }
                out.push_str(cell);
                out.push('\n');
            }
        }
    }

    fn print_html(&self, style: &Style, out: &mut String) {
        out.push_str("<table border=1>\n");
        let mut row = |tag: &str, cells: Vec<String>| {
            out.push_str("  <tr>\n");
            for cell in cells {
                out.push_str(&format!("    <{tag}>{cell}</{tag}>\n"));
            }
            out.push_str("  </tr>\n");
        };
        if style.headings {
            row("th", self.headings().map(escape_html).collect());
        }
        for line in self.lines(style.cells) {
            let cell = |(column, text): (&Option<Column>, &String)| match column {
                Some(_) => link_html(text),
                None => anchor_html(text),
            };
            row("td", self.columns.iter().zip(&line).map(cell).collect());
        }
        out.push_str("</table>\n");
    }

    fn print_csv(&self, style: &Style, out: &mut String) {
        let mut line = |cells: Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|cell| escape_csv(cell)).collect();
            out.push_str(&cells.join(","));
            out.push('\n');
        };
        if style.headings {
            line(self.headings().map(str::to_owned).collect());
        }
        self.lines(style.cells).into_iter().for_each(line);
    }

    fn print_json(&self, style: &Style, out: &mut String) {
        let list = |items: Vec<String>| format!("[{}]", items.join(","));
        let rows = self.rows.iter().map(|row| list(row.iter().map(json).collect())).collect();
        let headings = self.headings().map(quote).collect();
        let text = format!("{{\"data\":{},\"headings\":{}}}", list(rows), list(headings));
        out.push_str(&if style.pretty { pretty(&text) } else { text });
        out.push('\n');
    }
}

/// JSON on one line as JSON with a line for each element.
fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let mut quoted = false;
    let mut chars = json.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => out.extend(chars.next()),
            _ if quoted => {}
            ':' => out.push(' '),
            ']' | '}' => depth = depth.saturating_sub(1),
            '[' | '{' if matches!(chars.peek(), Some(']' | '}')) => depth += 1,
            '[' | '{' | ',' => {
                depth += usize::from(c != ',');
                out.push('\n');
                out.extend(std::iter::repeat_n("  ", depth));
            }
            _ => {}
        }
    }
    out
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The identifier of a row, shortened, as the target of links.
fn anchor_html(text: &str) -> String {
    let short = &text[..text.floor_char_boundary(8)];
    format!("<a name=\"{}\">{}</a>", escape_html(text), escape_html(short))
}

/// A cell in which each identifier is shortened and leads to its row.
fn link_html(text: &str) -> String {
    let mut out = String::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        match text.get(at..at + 36).and_then(Uuid::parse) {
            Some(_) => {
                let id = &text[at..at + 36];
                out.push_str(&escape_html(&text[from..at]));
                out.push_str(&format!("<a href=\"#{id}\">{}</a>", &id[..8]));
                at += 36;
                from = at;
            }
            None => at += 1,
        }
    }
    out.push_str(&escape_html(&text[from..]));
    out
}

fn escape_csv(text: &str) -> String {
    if text.contains(['\n', '"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn bare(datum: &Datum) -> String {
    let atom = |atom: &Atom| match atom {
        Atom::String(text) => text.clone(),
        other => other.to_string(),
    };
    let atoms = datum.atoms().iter().map(atom);
    let pairs = datum.pairs().iter().map(|(key, value)| format!("{}={}", atom(key), atom(value)));
    atoms.chain(pairs).collect::<Vec<_>>().join(" ")
}

/// A datum in the notation of the OVSDB protocol (RFC 7047 section 5.1).
fn json(datum: &Datum) -> String {
    let atom = |atom: &Atom| match atom {
        Atom::String(text) => quote(text),
        Atom::Uuid(uuid) => format!("[\"uuid\",\"{uuid}\"]"),
        other => other.to_string(),
    };
    if let Some(only) = datum.only() {
        return atom(only);
    }
    let pairs = datum.pairs().iter().map(|(key, value)| format!("[{},{}]", atom(key), atom(value)));
    let items: Vec<String> = datum.atoms().iter().map(atom).chain(pairs).collect();
    let kind = if datum.is_map() { "map" } else { "set" };
    format!("[\"{kind}\",[{}]]", items.join(","))
}
