//! cached-runtime beside its peers. `benches/README.md` says what each row is and how to read the numbers.

mod eviction;
mod growth;
mod hits;
mod keys;
mod misses;
mod options;
mod plot;
mod redis_hits;
mod report;
mod server;
mod stampedes;
mod values;

use std::process::ExitCode;

use cached_runtime::Caches;
use cached_runtime::stores::Redis;
use tokio::runtime::Handle;

use crate::options::Options;
use crate::report::Table;
use crate::server::Server;

type Section = fn(&Options, &Handle, &Server) -> Vec<Table>;

const SECTIONS: &[(&str, Section)] = &[
    ("hits", |options, runtime, _| hits::run(options, runtime)),
    ("redis", redis_hits::run),
    ("misses", misses::run),
    ("stampedes", stampedes::run),
    ("eviction", eviction::run),
    ("growth", growth::run),
];

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprint!("{message}");
            return ExitCode::FAILURE;
        }
    };
    if options.list {
        for (name, _) in SECTIONS {
            println!("{name}");
        }
        for row in hits::rows() {
            println!("  {row}");
        }
        return ExitCode::SUCCESS;
    }
    match compare(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn compare(options: &Options) -> Result<(), String> {
    let server = Server::start()?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| error.to_string())?;
    runtime
        .block_on(install(&server))
        .map_err(|error| error.to_string())?;
    let mut tables = Vec::new();
    for (name, section) in SECTIONS {
        if options.wants(name) {
            for table in section(options, runtime.handle(), &server) {
                if !options.json {
                    print!("{}", report::text(&table));
                }
                tables.push(table);
            }
        }
    }
    if options.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&tables).map_err(|error| error.to_string())?
        );
    }
    if let Some(path) = &options.plot {
        let chart = plot::chart(&tables).ok_or("there is nothing to plot without the section `hits`")?;
        std::fs::write(path, chart).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

/// Ours works as in a service: one `Caches` for the process.
async fn install(server: &Server) -> Result<(), cached_runtime::Error> {
    let redis = Redis::connect(server.url()).await?;
    Caches::builder().store("redis", redis).build()?.install()
}
