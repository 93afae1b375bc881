//! A bar chart of what a hit costs, as SVG for the README: readable on light and on dark pages, and without scripts.

use std::fmt::Write as _;

use crate::report::{Table, number};

const LABELS: f64 = 250.0;
const BARS: f64 = 460.0;
const LINE: f64 = 24.0;
/// Longer bars are cut off: what is a hundred times slower would leave nothing to see of the others.
const CUT: f64 = 12.0;

/// The table with numbers as keys and shared values, its columns side by side; `None` if it was not measured.
pub fn chart(tables: &[Table]) -> Option<String> {
    let table = tables
        .iter()
        .find(|table| table.title.starts_with("hits: key u64, value Arc"))?;
    let columns: Vec<usize> = (0..table.columns.len().saturating_sub(1)).take(2).collect();
    let mut rows: Vec<(&str, Vec<f64>)> = table
        .rows
        .iter()
        .filter_map(|row| {
            let medians = columns
                .iter()
                .map(|&column| Some(row.cells.get(column)?.as_ref()?.median));
            Some((row.name.as_str(), medians.collect::<Option<Vec<f64>>>()?))
        })
        .collect();
    rows.sort_by(|a, b| a.1[0].total_cmp(&b.1[0]));
    // So long that the slowest of the usual ones fits.
    let ours = rows
        .iter()
        .find(|(name, _)| *name == "cached-runtime")
        .map_or(100.0, |(_, medians)| medians[0]);
    let most = rows
        .iter()
        .flat_map(|(_, medians)| medians)
        .copied()
        .fold(0.0, f64::max);
    let scale = BARS / most.min(ours * CUT);
    let block = LINE * 0.5 * columns.len() as f64 + 12.0;
    let (width, height) = (LABELS + BARS + 90.0, 64.0 + block * rows.len() as f64);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>{}: ns per call</title>\n\
         <style>\n\
         text {{ fill: #1f2328; }} .ours {{ font-weight: 600; }} .faint {{ fill: #59636e; font-size: 11px; }}\n\
         .b0 {{ fill: #8c959f; }} .b1 {{ fill: #c4cbd3; }} .o0 {{ fill: #1a7f37; }} .o1 {{ fill: #6fbf86; }}\n\
         @media (prefers-color-scheme: dark) {{\n\
         text {{ fill: #f0f6fc; }} .faint {{ fill: #9198a1; }}\n\
         .b0 {{ fill: #767e88; }} .b1 {{ fill: #4c535b; }} .o0 {{ fill: #3fb950; }} .o1 {{ fill: #256d35; }}\n\
         }}\n</style>\n",
        escape(&table.title)
    );
    let legend: Vec<&str> = columns
        .iter()
        .map(|&column| table.columns[column].as_str())
        .collect();
    let _ = writeln!(
        svg,
        "<text x=\"8\" y=\"22\" class=\"ours\">{}</text>",
        escape(&table.title)
    );
    let _ = writeln!(
        svg,
        "<text x=\"8\" y=\"42\" class=\"faint\">ns per call, less is better; upper bar {}</text>",
        escape(&legend.join(", lower bar "))
    );
    for (index, (name, medians)) in rows.iter().enumerate() {
        let top = 56.0 + block * index as f64;
        let is_ours = name.starts_with("cached-runtime");
        let class = if is_ours { " class=\"ours\"" } else { "" };
        let middle = top + (block - 12.0) / 2.0 + 4.0;
        let _ = writeln!(
            svg,
            "<text x=\"{LABELS}\" y=\"{middle}\" text-anchor=\"end\"{class}>{}</text>",
            escape(name)
        );
        for (bar, median) in medians.iter().enumerate() {
            let y = top + LINE * 0.5 * bar as f64;
            let long = (median * scale).min(BARS);
            let cut = if median * scale > BARS { " (cut)" } else { "" };
            let kind = if is_ours { 'o' } else { 'b' };
            let x = LABELS + 8.0;
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{long:.1}\" height=\"11\" rx=\"2\" class=\"{kind}{bar}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" class=\"faint\">{}{cut}</text>",
                x + long + 5.0,
                y + 9.5,
                number(*median)
            );
        }
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
