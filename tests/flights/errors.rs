//! The error of the one load, as each of those who waited gets it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use cached_runtime::{LoadFailed, cache};
use tokio::time::sleep;

use crate::crowd::{BODY, CALLERS, Source, caches, crowd, ends};

/// What the source says.
#[derive(Debug)]
struct Refused {
    code: u16,
    cause: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.code)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn refused() -> Refused {
    Refused {
        code: 403,
        cause: io::Error::other("the door is shut"),
    }
}

/// Declares a cached function whose body always fails with `$error`, and the errors of ten thousand callers of it.
macro_rules! failing {
    ($name:ident -> $returns:ty, $error:expr $(, $($arguments:tt)*)?) => {{
        #[cache(backend = "local", skip(source) $(, $($arguments)*)?)]
        async fn $name(source: &Source, id: u64) -> $returns {
            source
                .run(0, |_| async move {
                    sleep(BODY).await;
                    let _ = id;
                    Err($error)
                })
                .await
        }
        let (caches, source) = (caches(), Arc::new(Source::default()));
        let calls = crowd(&caches, CALLERS, |_| {
            let source = Arc::clone(&source);
            async move { $name(&source, 7).await.unwrap_err() }
        });
        let errors = ends(calls).await.answers;
        assert_eq!((errors.len(), source.begun()), (CALLERS, 1));
        // It is not kept, and alone one gets it as it was.
        let alone = caches.scope($name(&source, 7)).await.unwrap_err();
        assert_eq!(source.begun(), 2);
        (errors, alone)
    }};
}

#[derive(Debug, Clone, PartialEq)]
struct Plain(u16);

#[tokio::test(start_paused = true)]
async fn what_can_be_cloned_is_cloned() {
    let (errors, alone) = failing!(cloned -> Result<u64, Plain>, Plain(404));
    assert_eq!(errors, vec![Plain(404); CALLERS]);
    assert_eq!(alone, Plain(404));
}

#[tokio::test(start_paused = true)]
async fn so_it_is_where_there_may_be_no_value() {
    let (errors, _) = failing!(optional -> Result<Option<u64>, Plain>, Plain(404));
    assert_eq!(errors, vec![Plain(404); CALLERS]);
}

/// The original, wherever it is in the chain of an `anyhow::Error`.
fn original(error: &anyhow::Error) -> Option<u16> {
    error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Refused>())
        .map(|refused| refused.code)
}

#[tokio::test(start_paused = true)]
async fn an_anyhow_error_is_still_there_to_downcast() {
    let (errors, alone) = failing!(anyhow_error -> anyhow::Result<u64>, anyhow::Error::new(refused()));
    assert!(errors.iter().all(|error| original(error) == Some(403)));
    assert!(errors.iter().all(|error| error.to_string() == "refused with 403"));
    let whole = format!("{:#}", errors[CALLERS - 1]);
    assert!(whole.ends_with("the door is shut"), "{whole}");
    assert_eq!(
        alone.downcast_ref::<Refused>().map(|refused| refused.code),
        Some(403)
    );
}

#[tokio::test(start_paused = true)]
async fn the_context_of_an_anyhow_error_is_kept() {
    let (errors, _) = failing!(
        anyhow_context -> anyhow::Result<u64>,
        anyhow::Error::new(refused()).context("loading user 7")
    );
    assert!(errors.iter().all(|error| original(error) == Some(403)));
    assert!(errors.iter().all(|error| error.to_string() == "loading user 7"));
}

#[tokio::test(start_paused = true)]
async fn a_boxed_error_is_still_there_to_downcast() {
    let (errors, alone) = failing!(
        boxed -> Result<u64, Box<dyn Error + Send + Sync>>,
        Box::<dyn Error + Send + Sync>::from(refused())
    );
    for error in &errors {
        let outermost: &(dyn Error + 'static) = &**error;
        let mut causes = std::iter::successors(Some(outermost), |&cause| cause.source());
        let code = causes
            .find_map(|cause| cause.downcast_ref::<Refused>())
            .map(|refused| refused.code);
        assert_eq!(
            (code, error.to_string()),
            (Some(403), "refused with 403".to_owned())
        );
    }
    assert!(alone.is::<Refused>());
}

#[tokio::test(start_paused = true)]
async fn an_io_error_tells_the_whole_story() {
    let (errors, alone) =
        failing!(io_error -> io::Result<u64>, io::Error::new(io::ErrorKind::NotFound, refused()));
    // The one that ran has the original.
    assert_eq!(errors[0].kind(), io::ErrorKind::NotFound);
    for error in &errors[1..] {
        let text = error.to_string();
        assert!(
            text.contains("refused with 403") && text.contains("the door is shut"),
            "{text}"
        );
    }
    let failed = errors[CALLERS - 1]
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<LoadFailed>());
    assert!(failed.is_some_and(|failed| failed.message().contains("the door is shut")));
    assert_eq!(alone.kind(), io::ErrorKind::NotFound);
}

/// Made of the report, and says of itself what it can.
macro_rules! built {
    ($name:ident) => {
        struct $name(String);
        impl From<LoadFailed> for $name {
            fn from(failed: LoadFailed) -> Self {
                Self(format!("[{}]", failed.message()))
            }
        }
    };
}

built!(Shown);
built!(Mute);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("mute")
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_made_of_the_report_says_what_the_load_said() {
    let (errors, alone) = failing!(shown -> Result<u64, Shown>, Shown("no such user".into()));
    let built = errors.iter().filter(|error| error.0 == "[no such user]").count();
    assert!(built >= CALLERS - 1, "{built}");
    assert_eq!(alone.0, "no such user");
    let (errors, alone) = failing!(mute -> Result<u64, Mute>, Mute("no such user".into()));
    let built = errors.iter().filter(|error| error.0.starts_with('[')).count();
    assert!(built >= CALLERS - 1, "{built}");
    assert_eq!(alone.0, "no such user");
}

/// Cannot be cloned, and nothing but the user's own function makes one of another.
#[derive(Debug, PartialEq)]
struct Own {
    code: u16,
    copies: u16,
}

#[tokio::test(start_paused = true)]
async fn the_users_own_function_goes_before_the_rest() {
    let (errors, alone) = failing!(
        own -> Result<u64, Own>,
        Own { code: 500, copies: 0 },
        share_error = |error| Own { code: error.code, copies: error.copies + 1 }
    );
    assert!(errors.iter().all(|error| error.code == 500));
    // Once for each who waited, of the error itself; the one that ran has that.
    assert_eq!(errors[0].copies, 0);
    assert!(errors[1..].iter().all(|error| error.copies == 1));
    assert_eq!(alone, Own { code: 500, copies: 0 });
    let (errors, _) = failing!(
        own_first -> Result<u64, Plain>,
        Plain(500),
        share_error = |error| Plain(error.0 + 1)
    );
    assert!(errors[1..].iter().all(|error| error.0 == 501), "{:?}", errors[1]);
}
