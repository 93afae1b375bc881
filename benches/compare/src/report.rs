//! Tables of medians: printed for people, or as JSON, or given to `plot`.

use std::fmt::Write as _;

use serde::Serialize;

/// Repetitions of one measurement.
#[derive(Clone, Serialize)]
pub struct Cell {
    pub median: f64,
    pub least: f64,
    pub most: f64,
    /// In the order of the repetitions, those that do not count among them.
    #[serde(skip)]
    samples: Vec<Option<f64>>,
    /// Something that has to be known to read the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Cell {
    pub fn of(samples: Vec<f64>) -> Option<Self> {
        Self::of_some(samples.into_iter().map(Some).collect())
    }

    /// The same where not all of them count.
    pub fn of_some(samples: Vec<Option<f64>>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let (&least, &most) = (sorted.first()?, sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self {
            median,
            least,
            most,
            samples,
            note: None,
        })
    }

    /// Of the ratios to the same repetitions of another measurement.
    fn ratios(&self, to: &Self) -> Option<Self> {
        let pairs = self.samples.iter().zip(&to.samples);
        Self::of_some(pairs.map(|(one, other)| Some((*one)? / (*other)?)).collect())
    }

    /// A number that has no spread: a count.
    pub fn one(number: f64) -> Self {
        Self {
            median: number,
            least: number,
            most: number,
            samples: vec![Some(number)],
            note: None,
        }
    }

    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

#[derive(Clone, Serialize)]
pub struct Row {
    pub name: String,
    pub cells: Vec<Option<Cell>>,
}

#[derive(Clone, Serialize)]
pub struct Table {
    pub title: String,
    /// Of the numbers, and whether fewer is better.
    pub unit: &'static str,
    pub columns: Vec<String>,
    /// The row that ratios are taken to.
    pub reference: Option<String>,
    pub rows: Vec<Row>,
    pub goals: Vec<Goal>,
    /// What has to be known to read the columns.
    pub remarks: Vec<String>,
}

/// A ratio of two rows in one column, beside what it should be.
#[derive(Clone, Serialize)]
pub struct Goal {
    pub what: String,
    pub limit: f64,
    pub at_most: bool,
    /// Of the medians.
    pub measured: f64,
    /// The median of the ratios in each repetition: what slows the machine down for a while slows both rows of a pair.
    pub measured_in_turn: Option<f64>,
    /// Of the best repetitions, which a busy machine disturbs least.
    pub measured_best: f64,
}

impl Goal {
    pub fn met(&self) -> bool {
        if self.at_most {
            self.measured <= self.limit
        } else {
            self.measured >= self.limit
        }
    }
}

impl Table {
    pub fn new(title: impl Into<String>, unit: &'static str, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            unit,
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            reference: None,
            rows: Vec::new(),
            goals: Vec::new(),
            remarks: Vec::new(),
        }
    }

    pub fn row(&mut self, name: impl Into<String>, cells: Vec<Option<Cell>>) {
        self.rows.push(Row {
            name: name.into(),
            cells,
        });
    }

    pub fn cell(&self, row: &str, column: &str) -> Option<&Cell> {
        let column = self.columns.iter().position(|name| name == column)?;
        self.rows
            .iter()
            .find(|it| it.name == row)?
            .cells
            .get(column)?
            .as_ref()
    }

    /// Compares two rows in one column with what was hoped for; says nothing if one of them was not measured.
    pub fn goal(&mut self, row: &str, to: &str, column: &str, at_most: bool, limit: f64) {
        let (Some(ours), Some(theirs)) = (self.cell(row, column), self.cell(to, column)) else {
            return;
        };
        let best = |cell: &Cell| if at_most { cell.least } else { cell.most };
        self.goals.push(Goal {
            what: format!("{column}: {row} / {to}"),
            limit,
            at_most,
            measured: ours.median / theirs.median,
            measured_in_turn: ours.ratios(theirs).map(|ratios| ratios.median),
            measured_best: best(ours) / best(theirs),
        });
    }

    /// Compares one number with what was hoped for.
    pub fn goal_of(&mut self, row: &str, column: &str, at_most: bool, limit: f64) {
        if let Some(cell) = self.cell(row, column) {
            let measured_best = if at_most { cell.least } else { cell.most };
            let (what, measured) = (format!("{column}: {row}"), cell.median);
            self.goals.push(Goal {
                what,
                limit,
                at_most,
                measured,
                measured_in_turn: None,
                measured_best,
            });
        }
    }
}

/// As text: for each column the median, the range and the ratio to the reference row.
pub fn text(table: &Table) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "\n## {}\n\n{}; median (least..most)",
        table.title, table.unit
    );
    if let Some(reference) = &table.reference {
        let _ = write!(out, ", ratio of medians to `{reference}`");
    }
    out.push_str("\n\n");
    let shown: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| {
            let cells = row.cells.iter().enumerate();
            cells
                .map(|(column, cell)| show(table, column, cell.as_ref()))
                .collect()
        })
        .collect();
    let named = table
        .rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0);
    let wide: Vec<usize> = (0..table.columns.len())
        .map(|column| {
            let cells = shown.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(table.columns[column].chars().count())
        })
        .collect();
    let _ = write!(out, "| {:named$} |", "");
    for (column, wide) in table.columns.iter().zip(&wide) {
        let _ = write!(out, " {column:>wide$} |");
    }
    let _ = write!(out, "\n|-{}-|", "-".repeat(named));
    for wide in &wide {
        let _ = write!(out, "-{}:|", "-".repeat(*wide));
    }
    for (row, cells) in table.rows.iter().zip(&shown) {
        let _ = write!(out, "\n| {:named$} |", row.name);
        for (cell, wide) in cells.iter().zip(&wide) {
            let _ = write!(out, " {cell:>wide$} |");
        }
    }
    out.push('\n');
    if !table.remarks.is_empty() {
        out.push('\n');
    }
    for remark in &table.remarks {
        let _ = writeln!(out, "{remark}");
    }
    if !table.goals.is_empty() {
        out.push('\n');
    }
    for goal in &table.goals {
        let in_turn = goal
            .measured_in_turn
            .map_or_else(String::new, |ratio| format!("in turn {ratio:.3}, "));
        let _ = writeln!(
            out,
            "{} {}: {:.3} ({in_turn}best repetitions {:.3}), wanted {} {}",
            if goal.met() { "ok    " } else { "MISSED" },
            goal.what,
            goal.measured,
            goal.measured_best,
            if goal.at_most { "<=" } else { ">=" },
            goal.limit
        );
    }
    out
}

fn show(table: &Table, column: usize, cell: Option<&Cell>) -> String {
    let Some(cell) = cell else {
        return "-".to_owned();
    };
    let mut out = number(cell.median);
    if (cell.least, cell.most) != (cell.median, cell.median) {
        let _ = write!(out, " ({}..{})", number(cell.least), number(cell.most));
    }
    let reference = table
        .reference
        .as_ref()
        .and_then(|name| table.rows.iter().find(|row| row.name == *name))
        .and_then(|row| row.cells.get(column)?.as_ref());
    if let Some(reference) = reference.filter(|reference| reference.median > 0.0) {
        let _ = write!(out, " {:.2}x", cell.median / reference.median);
    }
    if let Some(note) = &cell.note {
        let _ = write!(out, " {note}");
    }
    out
}

/// Three digits or so.
pub fn number(number: f64) -> String {
    match number.abs() {
        0.0 => "0".to_owned(),
        size if size < 10.0 => format!("{number:.2}"),
        size if size < 100.0 => format!("{number:.1}"),
        size if size < 10_000.0 => format!("{number:.0}"),
        size if size < 10_000_000.0 => format!("{:.0}k", number / 1e3),
        _ => format!("{:.1}M", number / 1e6),
    }
}
