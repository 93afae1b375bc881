//! What a hit in memory costs: every cache asked for what it has, in turn.

mod contender;
#[cfg(feature = "peers")]
mod frameworks;
mod macros;
mod ours;
mod pace;
mod raw;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use self::contender::{Contender, List, Order};
use self::pace::Pace;
pub use self::raw::keep;
use crate::keys::{Key, Pair, RESIDENT, Spread};
use crate::options::Options;
use crate::report::{Cell, Table};
use crate::values::{User, forget_loads, loads};

/// Keys drawn for each thread: they are read in a row, and fit in the second level of most processors' caches.
const DRAWN: usize = 1 << 15;
/// So many times as many repetitions as were asked for there are at most.
const MOST_TIMES: usize = 8;
const SPREADS: [Spread; 2] = [Spread::Zipf(0.9), Spread::Uniform];

/// Every table: keys of one and of two parts, values that are numbers and that are shared.
pub fn run(options: &Options, runtime: &Handle) -> Vec<Table> {
    let mut tables = Vec::new();
    let mut list = List::new();
    ours::add_number_to_user(&mut list);
    raw::add::<u64, Arc<User>>(&mut list);
    macros::add_number_to_user(&mut list);
    #[cfg(feature = "peers")]
    frameworks::add_by_number(&mut list, runtime);
    let mut table = measure("hits: key u64, value Arc<struct>", list, options, runtime);
    goals_by_number(&mut table);
    tables.push(table);

    let mut list = List::new();
    ours::add_number_to_number(&mut list);
    raw::add::<u64, u64>(&mut list);
    macros::add_number_to_number(&mut list);
    tables.push(measure("hits: key u64, value u64", list, options, runtime));

    let mut list = List::new();
    ours::add_pair_to_user(&mut list);
    raw::add::<Pair, Arc<User>>(&mut list);
    macros::add_pair_to_user(&mut list);
    #[cfg(feature = "peers")]
    frameworks::add_by_pair(&mut list, runtime);
    let mut table = measure("hits: key (&str, u64), value Arc<struct>", list, options, runtime);
    goals_by_pair(&mut table);
    tables.push(table);

    let mut list = List::new();
    ours::add_pair_to_number(&mut list);
    raw::add::<Pair, u64>(&mut list);
    macros::add_pair_to_number(&mut list);
    tables.push(measure(
        "hits: key (&str, u64), value u64",
        list,
        options,
        runtime,
    ));
    tables
}

fn goals_by_number(table: &mut Table) {
    let threads = all_threads();
    for ours in [ours::LOCAL, ours::TIERS] {
        for spread in SPREADS {
            let one = column(spread, 1);
            table.goal(ours, raw::QUICK, &one, true, 1.5);
            table.goal(ours, macros::CONCURRENT, &one, true, 0.45);
            let all = column(spread, threads);
            table.goal(ours, raw::QUICK_64, &all, true, 1.5);
            table.goal(ours, macros::CONCURRENT, &all, true, 0.3);
        }
        table.goal_of(ours, ALLOCATIONS, true, 0.0);
    }
}

fn goals_by_pair(table: &mut Table) {
    for ours in [ours::LOCAL, ours::TIERS] {
        for spread in SPREADS {
            table.goal(ours, raw::QUICK, &column(spread, 1), true, 1.7);
            table.goal(ours, raw::QUICK_64, &column(spread, all_threads()), true, 1.7);
        }
        table.goal_of(ours, ALLOCATIONS, true, 0.0);
    }
}

const ALLOCATIONS: &str = "allocations/call";

fn column(spread: Spread, threads: usize) -> String {
    format!(
        "{}, {threads} thread{}",
        spread.name(),
        if threads == 1 { "" } else { "s" }
    )
}

fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).max(2)
}

/// The names of the rows, for `--list`.
pub fn rows() -> Vec<String> {
    let mut list = List::new();
    ours::add_number_to_user(&mut list);
    raw::add::<u64, Arc<User>>(&mut list);
    macros::add_number_to_user(&mut list);
    list.iter().map(|contender| contender.name().to_owned()).collect()
}

fn measure<K: Key>(title: &str, list: List<K>, options: &Options, runtime: &Handle) -> Table {
    let needed = |name: &str| {
        options.wants_row(name) || [raw::QUICK, raw::QUICK_64, macros::CONCURRENT].contains(&name)
    };
    let list: List<K> = list
        .into_iter()
        .filter(|contender| needed(contender.name()))
        .collect();
    let everything: Vec<K> = (0..RESIDENT).map(K::of).collect();
    for contender in &list {
        eprint!("\r{title}: filling {:40}", contender.name());
        contender.fill(runtime, &everything);
    }
    let mut columns = Vec::new();
    let mut quiet = Vec::new();
    let mut cells: Vec<Vec<Option<Cell>>> = list.iter().map(|_| Vec::new()).collect();
    for spread in SPREADS {
        for threads in [1, all_threads()] {
            columns.push(column(spread, threads));
            eprint!("\r{title}: {:40}", column(spread, threads));
            let column = in_turn(&list, spread, threads, options);
            for (row, cell) in cells.iter_mut().zip(column.cells) {
                row.push(cell);
            }
            quiet.push(column.quiet);
        }
    }
    columns.push(ALLOCATIONS.to_owned());
    for (row, contender) in cells.iter_mut().zip(&list) {
        let counted = contender.allocations(runtime, &everything);
        row.push(counted.map(|count| Cell::one(count as f64 / 1_000.0)));
    }
    eprint!("\r{:100}\r", "");
    let mut table = Table::new(title, "ns per call on each thread", &[]);
    for (column, quiet) in columns.iter().zip(quiet) {
        table.remarks.push(format!("{column}: {quiet}"));
    }
    table.columns = columns;
    table.reference = Some(raw::QUICK.to_owned());
    for (contender, cells) in list.iter().zip(cells) {
        table.row(contender.name(), cells);
    }
    table
}

/// One column.
struct Column {
    cells: Vec<Option<Cell>>,
    /// How many repetitions there were, and of which the medians are.
    quiet: String,
}

/// One repetition of one row.
struct Sample {
    ns: f64,
    walk: Duration,
}

/// A B C, A B C, ... so that whatever slows the machine down for a while slows all of them. While others are at work on the
/// machine a repetition does not count, and there is another, up to [`MOST_TIMES`] as many.
fn in_turn<K: Key>(list: &List<K>, spread: Spread, threads: usize, options: &Options) -> Column {
    let mut orders: Vec<Order<K>> = (0..threads)
        .map(|thread| {
            let drawn = spread.draw(RESIDENT, DRAWN, 7 + thread as u64);
            Order {
                keys: drawn.into_iter().map(K::of).collect(),
                calls: 0,
            }
        })
        .collect();
    let mut ask = |contender: &dyn Contender<K>, calls: usize| {
        for order in &mut orders {
            order.calls = calls;
        }
        let passes = contender.pass(&orders);
        let taken: Duration = passes.iter().map(|pass| pass.taken).sum();
        Sample {
            ns: taken.as_nanos() as f64 / (calls * threads) as f64,
            walk: passes.iter().map(|pass| pass.walk).max().unwrap_or_default(),
        }
    };
    // So many calls that a pass takes as long for each.
    let pass = if options.quick { 1e6 } else { 1e7 };
    let calls: Vec<usize> = list
        .iter()
        .map(|contender| (pass / ask(&**contender, 2_000).ns).clamp(2_000.0, 1e6) as usize)
        .collect();
    let mut pace = Pace::find(threads);
    let mut samples: Vec<Vec<Sample>> = list.iter().map(|_| Vec::new()).collect();
    let mut missed = vec![0; list.len()];
    let fewest = |samples: &[Vec<Sample>], pace: &Pace| {
        let quiet = |row: &Vec<Sample>| row.iter().filter(|sample| pace.is_quiet(sample.walk)).count();
        samples.iter().map(quiet).min().unwrap_or(0)
    };
    for round in 0..MOST_TIMES * options.rounds {
        if round >= options.rounds && fewest(&samples, &pace) >= options.rounds {
            break;
        }
        for (index, contender) in list.iter().enumerate() {
            forget_loads();
            let sample = ask(&**contender, calls[index]);
            pace.note(sample.walk);
            samples[index].push(sample);
            missed[index] += loads();
        }
    }
    let rounds = samples.first().map_or(0, Vec::len);
    let fewest = fewest(&samples, &pace);
    // Too few to have a median of.
    let counts_all = fewest < options.rounds.div_ceil(2);
    let quiet = if counts_all {
        format!("all of {rounds} repetitions, of which others left {fewest} alone")
    } else {
        format!("{fewest} or more of {rounds} repetitions, those that others left alone")
    };
    let cell = |(samples, missed): (Vec<Sample>, u64)| {
        let counts = |sample: &Sample| counts_all || pace.is_quiet(sample.walk);
        let samples = samples.iter().map(|sample| counts(sample).then_some(sample.ns));
        let cell = Cell::of_some(samples.collect())?;
        Some(if missed > 0 {
            cell.with_note(format!("({missed} misses!)"))
        } else {
            cell
        })
    };
    let cells = samples.into_iter().zip(missed).map(cell).collect();
    Column { cells, quiet }
}
