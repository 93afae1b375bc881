//! Laws of tokens: what the source said before an invalidation is never stored after it.

use super::bench::{Bench, MINUTE};
use super::{Case, Needs};
use crate::{Filled, Token};

type Check = Result<(), String>;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "used_token",
        law: "a token fills once",
        needs: Needs::Tokens,
        test: |bench| Box::pin(used_token(bench)),
    },
    Case {
        name: "foreign_token",
        law: "a token that was never handed out, or was for another key, fills nothing",
        needs: Needs::Tokens,
        test: |bench| Box::pin(foreign_token(bench)),
    },
    Case {
        name: "remove_revokes",
        law: "a removal revokes the tokens of its keys, present or not",
        needs: Needs::Tokens,
        test: |bench| Box::pin(remove_revokes(bench)),
    },
    Case {
        name: "put_revokes",
        law: "a put revokes the tokens of its key",
        needs: Needs::Tokens,
        test: |bench| Box::pin(put_revokes(bench)),
    },
    Case {
        name: "reserve_revokes",
        law: "a reservation revokes the tokens handed out before it, and its own is good",
        needs: Needs::Tokens,
        test: |bench| Box::pin(reserve_revokes(bench)),
    },
    Case {
        name: "two_misses",
        law: "of two fills after two misses one is stored",
        needs: Needs::Tokens,
        test: |bench| Box::pin(two_misses(bench)),
    },
    Case {
        name: "no_token_returns",
        law: "a token that was revoked stays so, whatever is handed out after it",
        needs: Needs::Tokens,
        test: |bench| Box::pin(no_token_returns(bench)),
    },
];

async fn used_token(bench: &Bench) -> Check {
    let key = bench.key("a");
    let token = bench.missing(&key).await?;
    bench.stored(&key, b"one", MINUTE, &token).await?;
    bench.refused(&key, &token, "its token was used").await?;
    bench.holds(&key, b"one").await?;
    bench.remove_one(&key).await?;
    bench
        .refused(&key, &token, "its token was used, and its entry removed")
        .await
}

async fn foreign_token(bench: &Bench) -> Check {
    let (one, other) = (bench.key("one"), bench.key("other"));
    let token = bench.missing(&one).await?;
    let _standing = bench.missing(&other).await?;
    bench
        .refused(&other, &token, "its token is another key's")
        .await?;
    for made_up in [&b""[..], b"0", b"not a token", &[0; 16]] {
        bench
            .refused(&other, &Token::new(made_up), "its token was made up")
            .await?;
        let never = bench.key("never looked up");
        bench
            .refused(&never, &Token::new(made_up), "it was never looked up")
            .await?;
    }
    bench.stored(&one, b"one", MINUTE, &token).await
}

async fn remove_revokes(bench: &Bench) -> Check {
    let (absent, present) = (bench.key("absent"), bench.key("present"));
    let early = bench.missing(&absent).await?;
    bench.put(&present, b"one", MINUTE).await?;
    let late = bench.reserve(&present).await?;
    bench.remove(&[absent.clone(), present.clone()]).await?;
    bench
        .refused(&absent, &early, "it was removed after the miss")
        .await?;
    bench
        .refused(&present, &late, "it was removed after the reservation")
        .await?;
    bench.missing(&present).await?;
    // And the next load is stored as any.
    let token = bench.missing(&absent).await?;
    bench.stored(&absent, b"two", MINUTE, &token).await
}

async fn put_revokes(bench: &Bench) -> Check {
    let key = bench.key("a");
    let token = bench.missing(&key).await?;
    bench.put(&key, b"new", MINUTE).await?;
    bench.refused(&key, &token, "a put came after the miss").await?;
    bench.holds(&key, b"new").await?;
    let token = bench.reserve(&key).await?;
    bench.put(&key, b"newer", None).await?;
    bench
        .refused(&key, &token, "a put came after the reservation")
        .await?;
    bench.holds(&key, b"newer").await?;
    Ok(())
}

async fn reserve_revokes(bench: &Bench) -> Check {
    let key = bench.key("a");
    let missed = bench.missing(&key).await?;
    let first = bench.reserve(&key).await?;
    bench
        .refused(&key, &missed, "a reservation came after the miss")
        .await?;
    let second = bench.reserve(&key).await?;
    bench
        .refused(&key, &first, "another reservation came after it")
        .await?;
    bench.stored(&key, b"one", MINUTE, &second).await?;
    let third = bench.reserve(&key).await?;
    bench.holds(&key, b"one").await?;
    bench.stored(&key, b"two", MINUTE, &third).await?;
    bench.holds(&key, b"two").await?;
    Ok(())
}

async fn two_misses(bench: &Bench) -> Check {
    let key = bench.key("a");
    let first = bench.missing(&key).await?;
    let second = bench.missing(&key).await?;
    let one = bench.fill(&key, b"one", MINUTE, &first).await?;
    let two = bench.fill(&key, b"two", MINUTE, &second).await?;
    match (one, two) {
        (Filled::Stored, Filled::Refused) => bench.holds(&key, b"one").await.map(|_| ()),
        (Filled::Refused, Filled::Stored) => bench.holds(&key, b"two").await.map(|_| ()),
        (Filled::Stored, Filled::Stored) => Err("both fills were accepted".to_owned()),
        (Filled::Refused, Filled::Refused) => Err("both fills were refused".to_owned()),
    }
}

async fn no_token_returns(bench: &Bench) -> Check {
    let key = bench.key("a");
    let mut revoked: Vec<Token> = Vec::new();
    for round in 0..50 {
        let token = if round % 2 == 0 {
            bench.missing(&key).await?
        } else {
            bench.reserve(&key).await?
        };
        bench.remove_one(&key).await?;
        revoked.push(token);
    }
    let _standing = bench.missing(&key).await?;
    for token in &revoked {
        bench
            .refused(
                &key,
                token,
                "it was removed after the miss, and missed again since",
            )
            .await?;
    }
    Ok(())
}
