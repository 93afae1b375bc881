functions::functions!(functions_here: one);

fn main() {
    functions::measure(1, functions_here::all);
}
