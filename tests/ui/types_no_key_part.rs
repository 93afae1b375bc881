// mistakes: 3
use cached_runtime::cache;

#[derive(Clone)]
struct Point {
    x: f64,
    name: String,
}

#[cache(key = "near:{point.x}:{point.name}")]
async fn near(point: &Point) -> Option<u64> {
    Some(point.name.len() as u64)
}

#[cache]
async fn at(height: f64, point: Point) -> Option<u64> {
    Some(height as u64 + point.name.len() as u64)
}

fn main() {}
