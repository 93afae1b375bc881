//! The suite against stores that break one law each: a law that no store can break tests nothing.

use std::sync::Arc;

use cached_runtime::testing::conformance;
use cached_runtime::{Error, Store};

use crate::model::{Flaw, Model};

/// Each flaw with the law it breaks first.
const FLAWS: &[(Flaw, &str)] = &[
    (Flaw::FillLosesTheValue, "fill"),
    (Flaw::PutDoesNotReplace, "put"),
    (Flaw::RemoveIsPrefix, "remove"),
    (Flaw::CutsLongRemovals, "remove_many"),
    (Flaw::EmptyIsAbsent, "any_bytes"),
    (Flaw::CutsLongValues, "large_value"),
    (Flaw::PingFails, "serves"),
    (Flaw::BudgetsAreSpent, "get_within"),
    (Flaw::NeverExpires, "ttl"),
    (Flaw::SaysNothingOfLife, "life_left"),
    (Flaw::OldTtlStays, "ttl_replaced"),
    (Flaw::CannotCountLongTtl, "extreme_ttl"),
    (Flaw::KeysAreCaseless, "any_key"),
    (Flaw::CutsKeys, "long_key"),
    (Flaw::TokenStaysGood, "used_token"),
    (Flaw::TokenIsForAnyKey, "foreign_token"),
    (Flaw::AnyTokenFills, "foreign_token"),
    (Flaw::RemoveKeepsToken, "remove_revokes"),
    (Flaw::AbsentKeysAreNotRevoked, "remove_revokes"),
    (Flaw::PutKeepsToken, "put_revokes"),
    (Flaw::ReserveReusesToken, "reserve_revokes"),
    (Flaw::SecondMissIsGood, "two_misses"),
    (Flaw::TokensRepeat, "no_token_returns"),
    (Flaw::ManyInAnyOrder, "get_many"),
    (Flaw::ManyTokensDoNotStand, "get_many_tokens"),
    (Flaw::ManyShareOneTtl, "fill_many"),
    (Flaw::ManyFillAllOrNone, "fill_many_tokens"),
    (Flaw::TouchPretended, "touch"),
    (Flaw::TouchRevives, "touch_absent"),
    (Flaw::TouchRevokes, "touch_tokens"),
    (Flaw::ClassesAreLiteral, "pattern"),
    (Flaw::IgnoresWanted, "wanted"),
    (Flaw::CutsLongPatterns, "pattern_many"),
    (Flaw::CountsTokens, "pattern_many"),
    (Flaw::PatternKeepsTokens, "pattern_revokes"),
    (Flaw::PatternsPretended, "no_patterns"),
    (Flaw::MixesUpCalls, "at_once"),
    (Flaw::DropLocksForever, "dropped_calls"),
    (Flaw::FillChecksThenStores, "race"),
    (Flaw::PutKeepsToken, "race"),
];

async fn outcome(flaw: Flaw, law: &str) -> Result<(), String> {
    let store: Arc<dyn Store> = Arc::new(Model::with(flaw));
    let case = conformance::cases()
        .find(|case| case.name() == law)
        .expect("there is such a case");
    case.run(&store).await
}

#[tokio::test]
async fn each_flaw_breaks_its_law_and_the_message_says_what_was_seen() {
    let mut unnoticed = Vec::new();
    for (flaw, law) in FLAWS {
        match outcome(*flaw, law).await {
            Err(why) => assert!(why.len() > 20 && why.contains(' '), "{flaw:?}: {why}"),
            Ok(()) => unnoticed.push(format!("{flaw:?} passes {law}")),
        }
    }
    assert_eq!(unnoticed, [""; 0]);
}

#[tokio::test]
async fn each_law_is_broken_by_some_flaw() {
    let unbroken: Vec<&str> = conformance::cases()
        .map(|case| case.name())
        .filter(|name| FLAWS.iter().all(|(_, law)| law != name))
        .collect();
    assert_eq!(unbroken, [""; 0]);
}

#[tokio::test]
async fn all_broken_laws_are_listed_together() -> Result<(), Error> {
    let store: Arc<dyn Store> = Arc::new(Model::with(Flaw::AnyTokenFills));
    let report = conformance::check(&store).await.unwrap_err();
    for law in [
        "used_token",
        "foreign_token",
        "remove_revokes",
        "put_revokes",
        "reserve_revokes",
        "race",
    ] {
        assert!(
            report.lines().any(|line| line.starts_with(&format!("{law} ("))),
            "{law} in {report}"
        );
    }
    assert!(report.contains("(seed "), "{report}");
    Ok(())
}
