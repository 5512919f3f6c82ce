//! A table in Markdown.

use std::fmt::Write as _;

/// Rows of one width.
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut table = Self {
            text: String::new(),
        };
        table.row(columns);
        table.row(&vec!["---"; columns.len()]);
        table
    }

    pub(crate) fn row(&mut self, cells: &[impl AsRef<str>]) {
        self.text.push('|');
        for cell in cells {
            // Writing to a String does not fail.
            let _ = write!(self.text, " {} |", cell.as_ref().replace('|', "\\|"));
        }
        self.text.push('\n');
    }

    pub(crate) fn text(self) -> String {
        self.text
    }
}

/// `1 load`, `2 loads`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_markdown() {
        let mut table = Table::new(&["a", "b"]);
        table.row(&[count(1, "load"), count(0, "x|y")]);
        assert_eq!(
            table.text(),
            "| a | b |\n| --- | --- |\n| 1 load | 0 x\\|ys |\n"
        );
    }
}
