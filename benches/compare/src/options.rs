//! The command line.

pub const USAGE: &str = "\
compare [SECTION...] [OPTIONS]

Sections: hits redis misses stampedes eviction growth (default: all of them)

  --quick        few and short repetitions: to see that it runs, not to compare
  --only NAME    only rows whose name contains NAME; repeatable. Those that ratios are taken to stay
  --rounds N     repetitions of each measurement (default 21)
  --big          10^7 entries too, where entries grow
  --json         as JSON instead of tables
  --plot FILE    also a bar chart of the hits, as SVG
  --list         the sections and rows there are
";

pub struct Options {
    pub sections: Vec<String>,
    pub only: Vec<String>,
    pub quick: bool,
    pub rounds: usize,
    pub big: bool,
    pub json: bool,
    pub list: bool,
    pub plot: Option<String>,
}

impl Options {
    /// Reads the arguments; an error is what to print.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            sections: Vec::new(),
            only: Vec::new(),
            quick: false,
            rounds: 0,
            big: false,
            json: false,
            list: false,
            plot: None,
        };
        while let Some(argument) = arguments.next() {
            let missing = || format!("{argument} needs a value\n\n{USAGE}");
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--big" => options.big = true,
                "--json" => options.json = true,
                "--list" => options.list = true,
                "--only" => options.only.push(arguments.next().ok_or_else(missing)?),
                "--plot" => options.plot = Some(arguments.next().ok_or_else(missing)?),
                "--rounds" => {
                    let rounds = arguments.next().ok_or_else(missing)?;
                    options.rounds = rounds.parse().map_err(|_| "--rounds needs a number".to_owned())?;
                }
                "--help" | "-h" => return Err(USAGE.to_owned()),
                section if crate::SECTIONS.iter().any(|(name, _)| *name == section) => {
                    options.sections.push(section.to_owned());
                }
                other => return Err(format!("`{other}` is neither a section nor an option\n\n{USAGE}")),
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 3 } else { 21 };
        }
        Ok(options)
    }

    pub fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|name| name == section)
    }

    pub fn wants_row(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| row.contains(part.as_str()))
    }
}
