//! Literals with a unit, read while compiling: durations, sizes, percents, numbers.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use syn::{Expr, Lit, LitStr};

/// A string literal, also one that a `macro_rules` passed on.
pub(crate) fn string(expr: &Expr, example: &str) -> syn::Result<LitStr> {
    match bare(expr) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(string) => Ok(string.clone()),
            _ => Err(expected(expr, "a string literal", example)),
        },
        _ => Err(expected(expr, "a string literal", example)),
    }
}

/// `true` or `false`.
pub(crate) fn boolean(expr: &Expr, example: &str) -> syn::Result<bool> {
    match bare(expr) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(boolean) => Ok(boolean.value),
            _ => Err(expected(expr, "`true` or `false`", example)),
        },
        _ => Err(expected(expr, "`true` or `false`", example)),
    }
}

/// An integer literal that fits.
pub(crate) fn integer<N: FromStr<Err: Display>>(expr: &Expr, example: &str) -> syn::Result<N> {
    match bare(expr) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(integer) => integer.base10_parse().map_err(|_| {
                syn::Error::new_spanned(expr, "this number is too large here: write a smaller one")
            }),
            _ => Err(expected(expr, "an integer literal", example)),
        },
        _ => Err(expected(expr, "an integer literal that is not negative", example)),
    }
}

/// `"1h30m"`, `"200ms"`, `"7d"`, `"1h 30m"`: never zero.
pub(crate) fn duration(expr: &Expr, example: &str) -> syn::Result<Duration> {
    if let Expr::Lit(lit) = bare(expr)
        && let Lit::Int(number) = &lit.lit
    {
        let digits = number.base10_digits();
        let message = format!("a duration has a unit: write \"{digits}s\" if these are seconds");
        return Err(syn::Error::new_spanned(expr, message));
    }
    let literal = string(expr, example)?;
    parse_duration(&literal.value()).map_err(|reason| syn::Error::new(literal.span(), reason))
}

/// `"64MiB"`, `"10KB"`, or an integer that counts bytes.
pub(crate) fn size(expr: &Expr, example: &str) -> syn::Result<u64> {
    match bare(expr) {
        Expr::Lit(lit) if matches!(lit.lit, Lit::Int(_)) => integer(expr, example),
        Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_)) => {
            let literal = string(expr, example)?;
            parse_size(&literal.value()).map_err(|reason| syn::Error::new(literal.span(), reason))
        }
        _ => Err(expected(
            expr,
            "a size in a string literal or a number of bytes",
            example,
        )),
    }
}

/// `"10%"`, in parts per million; below one hundred percent.
pub(crate) fn percent(expr: &Expr, example: &str) -> syn::Result<u32> {
    let literal = string(expr, example)?;
    parse_percent(&literal.value()).map_err(|reason| syn::Error::new(literal.span(), reason))
}

/// The expression without invisible groups and parentheses around it.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => bare(&group.expr),
        Expr::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

pub(crate) fn expected(expr: &Expr, what: &str, example: &str) -> syn::Error {
    syn::Error::new_spanned(expr, format!("expected {what}: `{example}`"))
}

const DURATION: &str = "a duration is numbers with units, as in \"1h30m\", \"45s\", \"200ms\" or \"7d\" (units: w, d, h, m, s, ms, us, ns)";

fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    if rest.is_empty() {
        return Err(DURATION.to_owned());
    }
    while !rest.is_empty() {
        let (number, tail) = split(rest, |c| c.is_ascii_digit());
        let (unit, tail) = split(tail, |c| c.is_ascii_alphabetic());
        if number.is_empty() {
            return Err(DURATION.to_owned());
        }
        let nanos = match unit {
            "w" => 604_800_000_000_000,
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            "ns" => 1,
            "" => return Err(format!("`{number}` needs a unit: {DURATION}")),
            unknown => return Err(format!("`{unknown}` is no unit: {DURATION}")),
        };
        if nanos >= last {
            return Err(format!(
                "units go from the longest to the shortest, each once: {DURATION}"
            ));
        }
        last = nanos;
        total = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(nanos))
            .and_then(|nanos| total.checked_add(nanos))
            .ok_or("this duration is longer than 500 years")?;
        rest = tail.trim_start();
    }
    if total == 0 {
        return Err("a duration of zero keeps nothing: write a longer one".to_owned());
    }
    Ok(Duration::from_nanos(total))
}

const SIZE: &str =
    "a size is a number with a unit, as in \"64MiB\" or \"10KB\" (units: B, KB, MB, GB, KiB, MiB, GiB)";

fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text.trim(), |c| c.is_ascii_digit());
    let factor: u64 = match unit.trim() {
        "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(SIZE.to_owned()),
    };
    if number.is_empty() {
        return Err(SIZE.to_owned());
    }
    let bytes = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    bytes.ok_or_else(|| "this size does not fit into 64 bits".to_owned())
}

fn parse_percent(text: &str) -> Result<u32, String> {
    const PERCENT: &str = "expected a percentage, as in \"10%\" or \"2.5%\"";
    const MILLION: u32 = 1_000_000;
    let number = text.trim().strip_suffix('%').ok_or(PERCENT)?.trim();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 4 {
        return Err(PERCENT.to_owned());
    }
    let fraction = format!("{fraction:0<4}").parse::<u32>().map_err(|_| PERCENT)?;
    let parts = whole
        .parse::<u32>()
        .ok()
        .and_then(|whole| whole.checked_mul(10_000)?.checked_add(fraction));
    match parts {
        Some(parts) if parts < MILLION => Ok(parts),
        _ => Err("this must stay below \"100%\": nothing would be left of the ttl".to_owned()),
    }
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text| parse_duration(text).map(|duration| duration.as_secs()).ok();
        assert_eq!(seconds("1h30m"), Some(5_400));
        assert_eq!(seconds("1h 30m"), Some(5_400));
        assert_eq!(seconds("45s"), Some(45));
        assert_eq!(seconds("7d"), Some(604_800));
        assert_eq!(seconds("2w"), Some(1_209_600));
        assert_eq!(parse_duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(parse_duration("1s1ns"), Ok(Duration::new(1, 1)));
        for wrong in [
            "",
            "1",
            "h",
            "1x",
            "1m1h",
            "1h1h",
            "-1s",
            "1.5h",
            "0s",
            "99999999999w",
            "1h,30m",
            "1 h",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("64MiB"), Ok(67_108_864));
        assert_eq!(parse_size("10KB"), Ok(10_000));
        assert_eq!(parse_size("1 GiB"), Ok(1_073_741_824));
        assert_eq!(parse_size("7B"), Ok(7));
        for wrong in ["", "64", "MiB", "1.5MiB", "64mib", "99999999999999GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn percents() {
        assert_eq!(parse_percent("10%"), Ok(100_000));
        assert_eq!(parse_percent("2.5%"), Ok(25_000));
        assert_eq!(parse_percent("0%"), Ok(0));
        for wrong in ["", "10", "%", "-1%", "100%", "1.%", "1.23456%"] {
            assert!(parse_percent(wrong).is_err(), "{wrong}");
        }
    }
}
