//! What is remembered while one type is asked again and again.
//!
//! Called by the probe. Two things make a run differ from the one before: which variant each enum is given, and which
//! sample each checking part is given.
//!
//! * **Variants** are explored like the digits of an odometer, the last enum met first. An enum whose variants have
//!   all been seen counts as explored and never again makes a choice, so that the runs add up and do not multiply.
//! * **Types that were met before** in the run are not heard again: that is what ends recursion. They still need a
//!   value, which is made as small as possible and goes unrecorded (*quiet*): no element, no `Some`, and for an enum
//!   the first variant that does not lead back into itself.
//! * **Samples** are remembered by place; the place met last before a refusal is given its next sample.

use std::collections::{HashMap, HashSet};

use super::terms::{Identity, Kind, Refusal};

/// The deepest nesting that is heard.
const MAX_DEPTH: usize = 96;
/// The most parts that are heard in one run.
const MAX_STEPS: usize = 100_000;

struct Choice {
    of: Identity,
    variant: usize,
    variants: usize,
}

/// A type that is being given a small value, unrecorded.
struct Quiet {
    of: Identity,
    variants: usize,
}

/// How the value of a type that was just entered is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    /// Met for the first time: everything is recorded.
    New,
    /// Met before: small and quiet.
    Again,
}

pub(super) struct Survey {
    pub(super) human_readable: bool,
    /// False once a part could not be heard.
    pub(super) complete: bool,
    /// The run so far.
    pub(super) transcript: Vec<u8>,

    // Over all runs.
    choices: Vec<Choice>,
    explored: HashMap<Identity, u32>,
    smallest: HashMap<Identity, usize>,
    samples: HashMap<Identity, usize>,
    hopeless: HashSet<Identity>,
    fields: HashMap<Identity, Vec<&'static str>>,
    names: HashMap<Identity, &'static [&'static str]>,

    // Of this run.
    seen: HashMap<Identity, u32>,
    quiet: Vec<Quiet>,
    depth: usize,
    steps: usize,
    choices_made: usize,
    last_sample: Option<(Identity, usize)>,
    last_sequence: Option<(Identity, usize)>,
    last_map: Option<Identity>,
    smaller_found: bool,
}

impl Survey {
    pub(super) fn new(human_readable: bool) -> Self {
        Self {
            human_readable,
            complete: true,
            transcript: Vec::new(),
            choices: Vec::new(),
            explored: HashMap::new(),
            smallest: HashMap::new(),
            samples: HashMap::new(),
            hopeless: HashSet::new(),
            fields: HashMap::new(),
            names: HashMap::new(),
            seen: HashMap::new(),
            quiet: Vec::new(),
            depth: 0,
            steps: 0,
            choices_made: 0,
            last_sample: None,
            last_sequence: None,
            last_map: None,
            smaller_found: false,
        }
    }

    /// Before each run.
    pub(super) fn begin(&mut self) {
        self.transcript.clear();
        self.seen.clear();
        self.quiet.clear();
        self.depth = 0;
        self.steps = 0;
        self.choices_made = 0;
        self.last_sample = None;
        self.last_sequence = None;
        self.last_map = None;
        self.smaller_found = false;
    }

    /// After a run that was refused: whether there is something else to try.
    pub(super) fn learn(&mut self, refusal: &Refusal) -> bool {
        if self.smaller_found {
            return true;
        }
        if let (Some(field), Some(map)) = (refusal.missing, self.last_map) {
            let fields = self.fields.entry(map).or_default();
            if !fields.contains(&field) {
                fields.push(field);
                return true;
            }
        }
        if let (Some(names), Some((identifier, _))) = (refusal.names, self.last_sample)
            && identifier.kind == Kind::Identifier
            && !names.is_empty()
            && self.names.insert(identifier, names).is_none()
        {
            return true;
        }
        let blamed = if refusal.length {
            self.last_sequence
        } else {
            self.last_sample
        };
        blamed.is_some_and(|(place, samples)| self.try_next_sample(place, samples))
    }

    fn try_next_sample(&mut self, place: Identity, samples: usize) -> bool {
        if self.hopeless.contains(&place) {
            return false;
        }
        let sample = self.samples.entry(place).or_default();
        *sample += 1;
        if *sample < samples {
            return true;
        }
        *sample = 0;
        self.hopeless.insert(place);
        false
    }

    /// After a run that counts: turns to the next variant; false if all have been seen.
    pub(super) fn next_variant(&mut self) -> bool {
        self.choices.truncate(self.choices_made);
        while let Some(last) = self.choices.last_mut() {
            last.variant += 1;
            if last.variant < last.variants {
                return true;
            }
            let of = last.of;
            self.choices.pop();
            let ordinal = count(self.explored.len());
            self.explored.entry(of).or_insert(ordinal);
        }
        false
    }

    /// The variant that an enum met for the first time is given.
    pub(super) fn choose(&mut self, of: Identity, variants: usize) -> usize {
        let place = self.choices_made;
        self.choices_made += 1;
        if let Some(choice) = self.choices.get(place)
            && choice.of == of
        {
            return choice.variant;
        }
        self.choices.truncate(place);
        self.choices.push(Choice {
            of,
            variant: 0,
            variants,
        });
        0
    }

    /// The variant that an enum met before is given.
    pub(super) fn smallest(&self, of: Identity) -> usize {
        self.smallest.get(&of).copied().unwrap_or(0)
    }

    /// Before the value of a type that holds others. Every `Ok` is followed by a [`leave`](Self::leave).
    pub(super) fn enter(&mut self, of: Identity, variants: usize) -> Result<Entered, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.complete = false;
            return Err(Refusal::default());
        }
        if self.is_quiet() {
            if self.quiet.iter().any(|quiet| quiet.of == of) {
                self.find_smaller();
                return Err(Refusal::default());
            }
        } else if let Some(ordinal) = self.explored.get(&of).copied() {
            self.record(Kind::Explored)?;
            self.record_count(ordinal);
        } else if let Some(ordinal) = self.seen.get(&of).copied() {
            self.record(Kind::Seen)?;
            self.record_count(ordinal);
        } else {
            let ordinal = count(self.seen.len());
            self.seen.insert(of, ordinal);
            return Ok(Entered::New);
        }
        self.quiet.push(Quiet { of, variants });
        Ok(Entered::Again)
    }

    /// After that value.
    pub(super) fn leave(&mut self, entered: Entered) {
        self.depth -= 1;
        if entered == Entered::Again {
            self.quiet.pop();
        }
    }

    /// A quiet value leads back into itself: the innermost enum that has a variant left is to take that one.
    fn find_smaller(&mut self) {
        for quiet in self.quiet.iter().rev() {
            let smallest = self.smallest.entry(quiet.of).or_default();
            if *smallest + 1 < quiet.variants {
                *smallest += 1;
                self.smaller_found = true;
                return;
            }
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        !self.quiet.is_empty()
    }

    /// Which of so many `samples` this place is to be given.
    pub(super) fn sample(&mut self, place: Identity, samples: usize) -> usize {
        let chosen = Some((place, samples));
        self.last_sample = chosen;
        if matches!(place.kind, Kind::Seq | Kind::Short) {
            self.last_sequence = chosen;
        }
        self.samples.get(&place).copied().unwrap_or(0)
    }

    /// The names of fields that this map was found to lack.
    pub(super) fn fields(&self, map: Identity) -> Vec<&'static str> {
        self.fields.get(&map).cloned().unwrap_or_default()
    }

    /// After the last entry of a map.
    pub(super) fn map_ended(&mut self, map: Identity) {
        self.last_map = Some(map);
    }

    /// The names that this identifier was found to be one of.
    pub(super) fn names(&self, identifier: Identity) -> Option<&'static [&'static str]> {
        self.names.get(&identifier).copied()
    }

    /// Records that something of this kind was asked for.
    pub(super) fn record(&mut self, kind: Kind) -> Result<(), Refusal> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.complete = false;
            return Err(Refusal::default());
        }
        if !self.is_quiet() {
            self.transcript.push(kind as u8);
            self.complete &= !matches!(kind, Kind::Any | Kind::Ignored);
        }
        Ok(())
    }

    pub(super) fn record_count(&mut self, count: u32) {
        if !self.is_quiet() {
            self.transcript.extend_from_slice(&count.to_le_bytes());
        }
    }

    pub(super) fn record_names(&mut self, names: &[&str]) {
        self.record_count(count(names.len()));
        for name in names {
            self.record_count(count(name.len()));
            if !self.is_quiet() {
                self.transcript.extend_from_slice(name.as_bytes());
            }
        }
    }
}

/// A number of things as it is recorded.
pub(super) fn count(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX)
}
