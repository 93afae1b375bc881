//! What is learnt of a server when a connection to it has been made.

use super::clock::{Bounds, Sample, local};
use super::driver::{Why, second_of};
use super::link::{Fault, Wire};
use super::wire::{self, Reply, Stored};

/// The item stored to see the server's counter. It is never there; no key of a value begins like this.
const PROBE: &str = "{cached-runtime}:probe";
/// The first release whose meta commands are what they are today.
const OLDEST: [u32; 3] = [1, 6, 10];

/// What a server says of itself.
pub(super) struct Greeting {
    pub(super) bounds: Bounds,
    pub(super) largest: usize,
    pub(super) cas: u64,
}

impl Wire {
    /// Learns what has to be known of a server, in one round trip.
    pub(super) async fn greet(&self) -> Result<Greeting, Fault> {
        let mut bytes = Vec::new();
        for word in ["version", "stats settings", "stats"] {
            wire::word(&mut bytes, word);
        }
        let probe = Stored {
            until: -1,
            ..Stored::default()
        };
        wire::store(&mut bytes, PROBE, &[], &probe);
        let asked = local();
        let replies = self
            .ask(bytes, 4)
            .await
            .map_err(|fault| match self.ends.why.get() {
                // It has answered, if not as it should.
                Some(Why::Nonsense(why)) => Fault::Unfit(why.clone()),
                _ => fault,
            })?;
        let told = local();
        let [Reply::Version(version), Reply::Report(settings), report, probe] = &replies[..] else {
            return Err(Fault::Unfit(format!(
                "it does not say what it is, but {replies:?}"
            )));
        };
        check_version(version)?;
        let Some(second) = second_of(report) else {
            return Err(Fault::Unfit("it does not tell its time".to_owned()));
        };
        let cas = match probe {
            Reply::Done(item) if item.cas != 0 => item.cas,
            _ => {
                return Err(Fault::Unfit(
                    "it counts no changes: start it without -C".to_owned(),
                ));
            }
        };
        let largest = settings
            .iter()
            .find_map(|line| line.strip_prefix("item_size_max ")?.parse().ok());
        Ok(Greeting {
            bounds: Bounds::of(Sample { asked, told, second }),
            largest: largest.unwrap_or(usize::MAX),
            cas,
        })
    }
}

/// Refuses a server that is known to be too old; one that calls itself something else is taken at its word.
fn check_version(version: &str) -> Result<(), Fault> {
    let numbers: Vec<u32> = version
        .split(['.', '-', '_'])
        .map_while(|number| number.parse().ok())
        .collect();
    if numbers.len() >= 3 && numbers[..] < OLDEST[..] {
        return Err(Fault::Unfit(format!(
            "it is memcached {version}, and 1.6.10 is the oldest that serves"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_version;

    #[test]
    fn servers_that_are_too_old_are_told_by_their_version() {
        for version in [
            "1.6.10",
            "1.6.18",
            "1.7.0",
            "2.0.0-beta1",
            "1.6.38_1",
            "something else",
            "",
        ] {
            assert!(check_version(version).is_ok(), "{version}");
        }
        for version in ["1.4.39", "1.5.22", "1.6.9", "1.6.0-rc1"] {
            assert!(check_version(version).is_err(), "{version}");
        }
    }
}
